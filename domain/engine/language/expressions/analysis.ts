import type { Json, JsonObject } from '../../../json.js';
import { ExpressionError } from './error.js';
import { printExpression } from './print.js';
import { ALL_SUCCEEDED, asksStatus, children, evaluateTree, isTruthy } from './evaluate.js';
import { parseExpression, type Expression } from './syntax.js';
import { embedded, escapeTemplate, mapTexts, parseTemplate, wholeExpression } from './template.js';

/**
 * Static analysis of expressions before a run: what an expression refers to, and its value if everything it
 * reads is known.
 */

/** A path from a root name up to its first computed part, such as `needs.train.cells['a-0'].checkpoint`. */
export interface Reference {
  root: string;
  /** Fields and indices after the root, up to the first computed one. */
  path: (string | number)[];
  /** Source offsets of the root and of each member of `path`, so that a caret can mark the wrong one. */
  spans: { start: number; end: number }[];
  /** True if no computed part follows `path`. */
  complete: boolean;
  /** True inside `default(...)`: the value may be missing. */
  optional: boolean;
}

/**
 * Returns every path that the expression reads, in order of appearance, including paths in computed indices.
 */
export function references(tree: Expression, optional = false): Reference[] {
  if (tree.type === 'call' && tree.name === 'default') {
    const [preferred, fallback] = tree.arguments;
    return [...references(preferred, true), ...references(fallback, optional)];
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

/**
 * Returns the reference if the expression is exactly one reference, such as `steps.patch.outputs.patches`;
 * otherwise undefined.
 */
export function wholeReference(tree: Expression): Reference | undefined {
  if (tree.type !== 'name' && tree.type !== 'member') return undefined;
  const found = references(tree);
  return found.length === 1 && found[0].complete && unchain(tree).base.type === 'name' ? found[0] : undefined;
}

/** Whether the expression reads only the roots in `known` and does not depend on the status of stages. */
export function isKnown(tree: Expression, known: JsonObject): boolean {
  return !asksStatus(tree) && references(tree).every(({ root }) => Object.hasOwn(known, root));
}

/**
 * Returns the expression with every part evaluated that depends only on `known`.
 * @throws ExpressionError if the evaluation of such a part fails
 */
export function fold(tree: Expression, source: string, known: JsonObject): Expression {
  const span = { start: tree.start, end: tree.end };
  if (isKnown(tree, known)) {
    return { type: 'literal', value: evaluateTree(tree, source, known, ALL_SUCCEEDED), ...span };
  }
  switch (tree.type) {
    case 'member': {
      const object = fold(tree.object, source, known);
      return { ...tree, object, property: fold(tree.property, source, known) };
    }
    case 'call':
      if (tree.name === 'choose') return foldChoice(tree, source, known);
      if (tree.name === 'default') return foldDefault(tree, source, known);
      return { ...tree, arguments: tree.arguments.map((argument) => fold(argument, source, known)) };
    case 'unary':
      return { ...tree, operand: fold(tree.operand, source, known) };
    case 'binary':
      return foldBinary(tree, source, known);
    default:
      return tree;
  }
}

/** A known value decides: the fallback is never evaluated, or it is all that remains. */
function foldDefault(tree: Expression & { type: 'call' }, source: string, known: JsonObject): Expression {
  const preferred = foldPreferred(tree.arguments[0], source, known);
  if (preferred.type === 'literal' && preferred.value !== null) return preferred;
  const fallback = foldIdle(tree.arguments[1], source, known);
  return preferred.type === 'literal' ? fallback : { ...tree, arguments: [preferred, fallback] };
}

/** A field that does not exist counts as null. */
function foldPreferred(tree: Expression, source: string, known: JsonObject): Expression {
  try {
    return fold(tree, source, known);
  } catch (error) {
    if (!(error instanceof ExpressionError && error.missing)) throw error;
    return { type: 'literal', value: null, start: tree.start, end: tree.end };
  }
}

/**
 * Folds an operand that may never be evaluated. Its params are filled in, because they are not available
 * later; its errors are left for the evaluation to report.
 */
function foldIdle(tree: Expression, source: string, known: JsonObject): Expression {
  try {
    return fold(tree, source, known);
  } catch (error) {
    if (error instanceof ExpressionError) return tree;
    throw error;
  }
}

/** The branch that is not chosen is never evaluated. */
function foldChoice(tree: Expression & { type: 'call' }, source: string, known: JsonObject): Expression {
  const [condition, whenTrue, otherwise] = tree.arguments;
  const folded = fold(condition, source, known);
  if (folded.type !== 'literal') {
    const sides = [whenTrue, otherwise].map((side) => foldIdle(side, source, known));
    return { ...tree, arguments: [folded, ...sides] };
  }
  return fold(isTruthy(folded.value) ? whenTrue : otherwise, source, known);
}

/**
 * `&&` and `||` do not evaluate the right side if the left side decides the result; folding ignores its
 * errors too.
 */
function foldBinary(tree: Expression & { type: 'binary' }, source: string, known: JsonObject): Expression {
  const left = fold(tree.left, source, known);
  const lazy = tree.operator === '&&' || tree.operator === '||';
  if (!lazy) return { ...tree, left, right: fold(tree.right, source, known) };
  if (left.type !== 'literal') return { ...tree, left, right: foldIdle(tree.right, source, known) };
  const takesRight = isTruthy(left.value) === (tree.operator === '&&');
  return takesRight ? fold(tree.right, source, known) : left;
}

/** Returns the source of the folded expression. A fully known value becomes a literal. */
export function foldExpression(source: string, known: JsonObject): string {
  return printExpression(fold(parseExpression(source), source, known));
}

/**
 * Like {@link foldExpression}, for an `if`. A condition that calls a status function still calls one
 * afterwards, see `evaluateCondition`.
 */
export function foldCondition(source: string, known: JsonObject): string {
  const tree = parseExpression(source);
  const folded = fold(tree, source, known);
  const lostStatus = asksStatus(tree) && !asksStatus(folded);
  if (!lostStatus) return printExpression(folded);
  const always: Expression = { type: 'call', name: 'always', arguments: [], start: 0, end: 0 };
  return printExpression({ type: 'binary', operator: '&&', left: folded, right: always, start: 0, end: 0 });
}

/**
 * Returns the template with every part evaluated that depends only on `known`. The remaining expressions read
 * other roots. A `${{` in an evaluated text is escaped, so that it is never evaluated.
 * @throws ExpressionError
 */
export function foldTemplate(value: Json, known: JsonObject): Json {
  return mapTexts(value, (text) => foldText(text, known));
}

/** Returns the template with each expression changed. */
export function changeTemplate(value: Json, change: (tree: Expression) => Expression): Json {
  return mapTexts(value, (text) => {
    if (!text.includes('${{')) return text;
    let changed = '';
    for (const part of parseTemplate(text)) {
      changed =
        part.type === 'text'
          ? changed + escapeTemplate(part.text)
          : withExpression(changed, change(parseExpression(part.source)));
    }
    return changed;
  });
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

/** A `$` directly before `${{` would escape it, so the `$` becomes a separate expression. */
function withExpression(before: string, tree: Expression): string {
  const text = `\${{ ${printExpression(tree)} }}`;
  return before.endsWith('$') ? `${before.slice(0, -1)}\${{ '$' }}${text}` : before + text;
}
