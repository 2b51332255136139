import type { Json } from '../../../json.js';
import { canonicalJson } from '../../../json.js';
import { FUNCTIONS, PRECEDENCE, type Expression } from './syntax.js';

const UNARY = 7;
const POSTFIX = 8;

/** Returns the source of a syntax tree, without `${{ }}` and with parentheses only where needed. */
export function printExpression(tree: Expression): string {
  switch (tree.type) {
    case 'literal':
      return printLiteral(tree.value);
    case 'name':
      return tree.name;
    case 'member':
      return printMember(tree.object, tree.property);
    case 'call':
      return `${tree.name}(${tree.arguments.map(printExpression).join(', ')})`;
    case 'unary':
      return `${tree.operator}${printed(tree.operand, UNARY)}`;
    case 'binary': {
      const precedence = PRECEDENCE[tree.operator];
      return `${printed(tree.left, precedence)} ${tree.operator} ${printed(tree.right, precedence + 1)}`;
    }
  }
}

function printMember(object: Expression, property: Expression): string {
  const name = property.type === 'literal' && typeof property.value === 'string' ? property.value : '';
  const path = isName(name) ? `.${name}` : `[${printExpression(property)}]`;
  return `${printed(object, POSTFIX)}${path}`;
}

/** Whether a text can be written after a dot. */
export function isName(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*(?:-+[A-Za-z0-9_]+)*$/.test(text);
}

/** The language has no literals for lists and objects, so they are written with fromJSON. */
function printLiteral(value: Json): string {
  if (typeof value === 'string') return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === 'object' && value !== null) return `fromJSON(${printLiteral(canonicalJson(value))})`;
  return String(value);
}

function printed(tree: Expression, least: number): string {
  const text = printExpression(tree);
  return binding(tree) < least ? `(${text})` : text;
}

function binding(tree: Expression): number {
  if (tree.type === 'binary') return PRECEDENCE[tree.operator];
  if (tree.type === 'unary') return UNARY;
  const negative = tree.type === 'literal' && typeof tree.value === 'number' && tree.value < 0;
  return negative ? UNARY : POSTFIX;
}

/** Words with a fixed meaning, which cannot be used as the name of an item. */
export const RESERVED_NAMES: readonly string[] = [
  ...['params', 'matrix', 'steps', 'needs', 'true', 'false', 'null'],
  ...Object.keys(FUNCTIONS),
];
