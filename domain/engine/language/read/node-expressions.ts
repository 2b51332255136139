import type { Json } from '../../../json.js';
import { foldTemplate, references } from '../expressions/analysis.js';
import { ExpressionError, type Span } from '../expressions/error.js';
import { parseExpression, type Expression } from '../expressions/syntax.js';
import type { Condition } from './document.js';
import { isScalarText } from './describe.js';
import type { KnownParams } from './param-types.js';
import { ProblemList, type Place } from '../problems/problems.js';
import { parseTemplate, wholeExpression } from '../expressions/template.js';
import type { ScalarNode, YamlNode } from './yaml-nodes.js';

/**
 * An expression of a pipeline file, with its syntax tree and the data needed to locate its parts in the file.
 */
export interface PlacedExpression {
  tree: Expression;
  source: string;
  /**
   * True if the value consists of this expression only, so that the expression's type is the value's type.
   */
  whole: boolean;
  node: ScalarNode;
  /** Offset of `source` in the text of `node`. */
  offset: number;
}

export function placeOf(expression: PlacedExpression, span: Span): Place {
  return expression.node.placeOf(span.start + expression.offset, span.end + expression.offset);
}

/**
 * Returns every expression inside a value, including lists and mappings. Invalid expressions are reported.
 * @param placeholders whether `{params.name}` is a placeholder of the activity, and not a wrong expression
 */
export function expressionsIn(
  node: YamlNode,
  problems: ProblemList,
  placeholders = false,
): PlacedExpression[] {
  const inside = (child: YamlNode) => expressionsIn(child, problems, placeholders);
  if (node.kind === 'list') return node.items.flatMap(inside);
  if (node.kind === 'map') return node.entries.flatMap(({ value }) => inside(value));
  if (!isScalarText(node)) return [];
  if (!node.value.includes('${{')) {
    reportLookalike(node, problems, placeholders);
    return [];
  }
  const parts = reporting(node, problems, () => parseTemplate(node.value)) ?? [];
  const whole = wholeExpression(parts);
  return parts.flatMap((part) => {
    if (part.type === 'text') return [];
    return placed(node, part.source, part.offset, part === whole, problems);
  });
}

/** Expressions of shells and of other template languages would be taken as text. */
const LOOKALIKE =
  /\$\(\s*((?:params|needs|steps|matrix)\.[\w.-]+)\s*\)|\$?\{\{?\s*((?:params|needs|steps|matrix)\.[\w.-]+)\s*\}?\}|\$((?:params|needs|steps|matrix)\.[\w.-]+)/g;

const PLACEHOLDER = /^\{[^{]/;

function reportLookalike(
  node: ScalarNode & { value: string },
  problems: ProblemList,
  placeholders: boolean,
): void {
  const all = [...node.value.matchAll(LOOKALIKE)];
  const found = all.find(([text]) => !placeholders || !PLACEHOLDER.test(text));
  if (found === undefined) return;
  const path = found[1] ?? found[2] ?? found[3];
  const place = node.placeOf(found.index, found.index + found[0].length);
  const message = `${found[0]} is not an expression, and would be taken as text`;
  problems.error('bad-expression', place, message, `write \${{ ${path} }}`);
}

/** Names of the params that a value reads. */
export function paramsIn(node: YamlNode): string[] {
  const read = expressionsIn(node, new ProblemList()).flatMap(({ tree }) => references(tree));
  const names = read.flatMap(({ root, path }) =>
    root === 'params' && path.length > 0 ? [`${path[0]}`] : [],
  );
  return [...new Set(names)];
}

/** The expression of an `if`. */
export function conditionExpression(condition: Condition, problems: ProblemList): PlacedExpression[] {
  return placed(condition.node, condition.source, condition.offset, true, problems);
}

function placed(
  node: ScalarNode,
  source: string,
  offset: number,
  whole: boolean,
  problems: ProblemList,
): PlacedExpression[] {
  const tree = reporting(node, problems, () => parseExpression(source), offset);
  return tree === undefined ? [] : [{ tree, source, whole, node, offset }];
}

/** Runs `compute` and reports an {@link ExpressionError} as a problem at its place in the text of `node`. */
export function reporting<T>(
  node: ScalarNode,
  problems: ProblemList,
  compute: () => T,
  offset = 0,
): T | undefined {
  try {
    return compute();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    const place = node.placeOf(error.span.start + offset, error.span.end + offset);
    problems.error(error.missing ? 'unknown-name' : 'bad-expression', place, error.fault, error.hint);
    return undefined;
  }
}

/** Whether `expression` reads a param that has no value. */
export function readsUnset(expression: PlacedExpression, known: KnownParams): boolean {
  return references(expression.tree).some(({ root, path }) => {
    return root === 'params' && typeof path[0] === 'string' && known.unset.has(path[0]);
  });
}

/**
 * Fills in the params of a value that may use only params. Returns undefined if there is a mistake, which is
 * reported, or if a param has no value, which is not reported here.
 */
export function resolveStatic(node: YamlNode, known: KnownParams, problems: ProblemList): Json | undefined {
  const expressions = expressionsIn(node, problems);
  let resolvable = true;
  for (const expression of expressions) {
    for (const { root, path, spans } of references(expression.tree)) {
      if (root === 'params') {
        if (typeof path[0] === 'string') known.used.add(path[0]);
        continue;
      }
      resolvable = false;
      const message = `\`${root}\` is not available here: this value is resolved before the run`;
      problems.error(
        'not-available',
        placeOf(expression, spans[0]),
        message,
        'only `params` can be used here',
      );
    }
    if (readsUnset(expression, known)) resolvable = false;
  }
  return resolvable ? foldNode(node, { params: known.values }, problems) : undefined;
}

/**
 * Evaluates every part of `node` that depends only on `known`. If that fails, reports a problem and returns
 * undefined.
 */
export function foldNode(
  node: YamlNode,
  known: Record<string, Json>,
  problems: ProblemList,
): Json | undefined {
  if (node.kind === 'scalar') {
    if (node.broken) return undefined;
    if (!isScalarText(node)) return node.value;
    return reporting(node, problems, () => foldTemplate(node.value, known));
  }
  if (node.kind === 'list') {
    const items = node.items.map((item) => foldNode(item, known, problems));
    return items.includes(undefined) ? undefined : (items as Json[]);
  }
  const members = node.entries.map(({ key, value }) => [key, foldNode(value, known, problems)] as const);
  if (members.some(([, value]) => value === undefined)) return undefined;
  return Object.fromEntries(members) as Json;
}
