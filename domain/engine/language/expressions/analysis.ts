import type { Json, JsonObject } from '../../../json.js';
import { ExpressionError } from './error.js';
import { printExpression } from './print.js';
import { ALL_WELL, asksStatus, children, evaluateTree, isTruthy } from './evaluate.js';
import { parseExpression, type Expression } from './syntax.js';
import { embedded, escapeTemplate, mapTexts, parseTemplate, wholeExpression } from './template.js';

/** What can be known of an expression before a run: what it refers to, and its value where all of that is known. */

/** A path from a root name, as far as it is spelled out: `needs.train.cells['a-0'].checkpoint`. */
export interface Reference {
  root: string;
  /** Fields and indices after the root; ends before the first computed one. */
  path: (string | number)[];
  /** Offsets of root and of each member of `path` in the source, for a caret under the wrong one. */
  spans: { start: number; end: number }[];
  /** Nothing computed follows `path`. */
  complete: boolean;
  /** Under `default(...)`: may be absent. */
  optional: boolean;
}

/** Every path the expression reads, in order of appearance; paths in computed indices too. */
export function references(tree: Expression, optional = false): Reference[] {
  if (tree.type === 'call' && tree.name === 'default') {
    const [wanted, fallback] = tree.arguments;
    return [...references(wanted, true), ...references(fallback, optional)];
  }
  if (tree.type !== 'name' && tree.type !== 'member') {
    return children(tree).flatMap((child) => references(child, optional));
  }
  const chain = unchain(tree);
  const computed = chain.keys
    .filter((key) => key.type !== 'literal')
    .flatMap((key) => references(key, optional));
  if (chain.base.type !== 'name') return [...references(chain.base, optional), ...computed];
  const literal = chain.keys.findIndex((key) => key.type !== 'literal');
  const known = literal < 0 ? chain.keys : chain.keys.slice(0, literal);
  const reference = {
    root: chain.base.name,
    path: known.map((key) => (key as { value: Json }).value as string | number),
    spans: [chain.base, ...known].map(({ start, end }) => ({ start, end })),
    complete: literal < 0,
    optional,
  };
  return [reference, ...computed];
}

function unchain(tree: Expression): { base: Expression; keys: Expression[] } {
  const keys: Expression[] = [];
  let base = tree;
  while (base.type === 'member') {
    keys.unshift(base.property);
    base = base.object;
  }
  return { base, keys };
}

/** The reference that an expression is as a whole: `steps.patch.outputs.patches`; undefined where it is anything more. */
export function wholeReference(tree: Expression): Reference | undefined {
  if (tree.type !== 'name' && tree.type !== 'member') return undefined;
  const found = references(tree);
  return found.length === 1 && found[0].complete && unchain(tree).base.type === 'name' ? found[0] : undefined;
}

/** Whether the expression reads nothing but the roots in `known` and does not depend on how stages end. */
export function isKnown(tree: Expression, known: JsonObject): boolean {
  return !asksStatus(tree) && references(tree).every(({ root }) => Object.hasOwn(known, root));
}

/** The expression with everything computed that `known` is enough for. Throws {@link ExpressionError} as evaluation would. */
export function fold(tree: Expression, source: string, known: JsonObject): Expression {
  const span = { start: tree.start, end: tree.end };
  if (isKnown(tree, known)) {
    return { type: 'literal', value: evaluateTree(tree, source, known, ALL_WELL), ...span };
  }
  switch (tree.type) {
    case 'member': {
      const object = fold(tree.object, source, known);
      return { ...tree, object, property: fold(tree.property, source, known) };
    }
    case 'call':
      if (tree.name === 'choose') return foldChoice(tree, source, known);
      return { ...tree, arguments: foldArguments(tree, source, known) };
    case 'unary':
      return { ...tree, operand: fold(tree.operand, source, known) };
    case 'binary':
      return foldBinary(tree, source, known);
    default:
      return tree;
  }
}

function foldArguments(tree: Expression & { type: 'call' }, source: string, known: JsonObject): Expression[] {
  return tree.arguments.map((argument, index) => {
    if (tree.name === 'default' && index === 1) return foldIdle(argument, source, known);
    try {
      return fold(argument, source, known);
    } catch (error) {
      const forgiven = tree.name === 'default' && index === 0;
      if (!forgiven || !(error instanceof ExpressionError && error.missing)) throw error;
      return { type: 'literal', value: null, start: argument.start, end: argument.end };
    }
  });
}

/** A side that may never be looked at: what is wrong in it is said by whoever looks at it, and it is filled in all the same, as params are not known later. */
function foldIdle(tree: Expression, source: string, known: JsonObject): Expression {
  try {
    return fold(tree, source, known);
  } catch (error) {
    if (error instanceof ExpressionError) return tree;
    throw error;
  }
}

/** The side that is not chosen is never looked at. */
function foldChoice(tree: Expression & { type: 'call' }, source: string, known: JsonObject): Expression {
  const [condition, wanted, otherwise] = tree.arguments;
  const folded = fold(condition, source, known);
  if (folded.type !== 'literal') {
    const sides = [wanted, otherwise].map((side) => foldIdle(side, source, known));
    return { ...tree, arguments: [folded, ...sides] };
  }
  return fold(isTruthy(folded.value) ? wanted : otherwise, source, known);
}

/** `&&` and `||` never look at a right side that the left one makes idle; nor does folding mind it. */
function foldBinary(tree: Expression & { type: 'binary' }, source: string, known: JsonObject): Expression {
  const left = fold(tree.left, source, known);
  const lazy = tree.operator === '&&' || tree.operator === '||';
  if (!lazy) return { ...tree, left, right: fold(tree.right, source, known) };
  if (left.type !== 'literal') return { ...tree, left, right: foldIdle(tree.right, source, known) };
  const takesRight = isTruthy(left.value) === (tree.operator === '&&');
  return takesRight ? fold(tree.right, source, known) : left;
}

/** Source of the folded expression; a value that is known entirely comes out as its literal. */
export function foldExpression(source: string, known: JsonObject): string {
  return printExpression(fold(parseExpression(source), source, known));
}

/** Like {@link foldExpression} for an `if`: one that asks for the status still does so afterwards, see `evaluateCondition`. */
export function foldCondition(source: string, known: JsonObject): string {
  const tree = parseExpression(source);
  const folded = fold(tree, source, known);
  const lostStatus = asksStatus(tree) && !asksStatus(folded);
  if (!lostStatus) return printExpression(folded);
  const always: Expression = { type: 'call', name: 'always', arguments: [], start: 0, end: 0 };
  return printExpression({ type: 'binary', operator: '&&', left: folded, right: always, start: 0, end: 0 });
}

/**
 * A template with everything computed that `known` is enough for: what remains holds expressions over the other roots only.
 * A computed text that happens to hold `${{` is escaped, so that it is never evaluated. Throws {@link ExpressionError}.
 */
export function foldTemplate(value: Json, known: JsonObject): Json {
  return mapTexts(value, (text) => foldText(text, known));
}

function foldText(text: string, known: JsonObject): Json {
  if (!text.includes('${{')) return text;
  const parts = parseTemplate(text);
  const whole = wholeExpression(parts);
  let folded = '';
  for (const part of parts) {
    if (part.type === 'text') {
      if (!whole) folded += escapeTemplate(part.text);
      continue;
    }
    const tree = foldPart(part, text, known);
    if (tree.type === 'literal' && whole) return mapTexts(tree.value, escapeTemplate);
    folded =
      tree.type === 'literal'
        ? folded + escapeTemplate(embedded(tree.value, part, text))
        : withExpression(folded, tree);
  }
  return folded;
}

function foldPart(part: { source: string; offset: number }, text: string, known: JsonObject): Expression {
  try {
    return fold(parseExpression(part.source), part.source, known);
  } catch (error) {
    throw error instanceof ExpressionError ? error.within(text, part.offset) : error;
  }
}

/** A `$` right before `${{` would make an escape of it, so it goes into an expression of its own. */
function withExpression(before: string, tree: Expression): string {
  const text = `\${{ ${printExpression(tree)} }}`;
  return before.endsWith('$') ? `${before.slice(0, -1)}\${{ '$' }}${text}` : before + text;
}
