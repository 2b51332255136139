import { canonicalJson, isJsonObject, type Json, type JsonObject } from '../../../json.js';
import { suggest } from './did-you-mean.js';
import { ExpressionError } from './error.js';
import { ArgumentError, bounded, PURE_FUNCTIONS, typeName } from './functions.js';
import { parseExpression, type BinaryOperator, type Expression } from './syntax.js';

/**
 * Evaluates the language of `${{ }}`: paths, literals, operators and a fixed set of functions on JSON values.
 * It is deterministic, uses no `eval`, cannot reach prototypes and is bounded in depth and size. Workflows
 * import this file, so it uses no Node built-ins.
 */

/**
 * The values that an expression can read, by root name: `params`, `matrix`, `steps`, `needs`, and the item
 * under its own name.
 */
export type Context = JsonObject;

/** How the needed stages ended: the results of `success()` and `failure()`. */
export interface Status {
  /** Every needed stage succeeded. */
  success: boolean;
  /** At least one needed stage failed. */
  failure: boolean;
}

export const ALL_SUCCEEDED: Status = { success: true, failure: false };

/**
 * Evaluates an expression without its `${{ }}`.
 * @throws ExpressionError
 */
export function evaluate(source: string, context: Context, status: Status = ALL_SUCCEEDED): Json {
  return evaluateTree(parseExpression(source), source, context, status);
}

/**
 * Evaluates an `if`. A condition that calls neither `always()` nor `success()` nor `failure()` also requires
 * `success()`, as in GitHub Actions. A missing condition means `success()`.
 * @throws ExpressionError
 */
export function evaluateCondition(source: string | undefined, context: Context, status: Status): boolean {
  if (source === undefined) return status.success;
  const tree = parseExpression(source);
  if (!asksStatus(tree) && !status.success) return false;
  return isTruthy(evaluateTree(tree, source, context, status));
}

export function evaluateTree(tree: Expression, source: string, context: Context, status: Status): Json {
  return new Evaluator(source, context, status).value(tree);
}

/** False, null, 0 and the empty text are falsy; every other value is truthy. */
export function isTruthy(value: Json): boolean {
  return value !== false && value !== null && value !== 0 && value !== '';
}

const STATUS_FUNCTIONS = ['always', 'success', 'failure'];

/** Whether the expression calls `always()`, `success()` or `failure()`. */
export function asksStatus(tree: Expression): boolean {
  if (tree.type === 'call' && STATUS_FUNCTIONS.includes(tree.name)) return true;
  return children(tree).some(asksStatus);
}

export function children(tree: Expression): Expression[] {
  switch (tree.type) {
    case 'member':
      return [tree.object, tree.property];
    case 'call':
      return tree.arguments;
    case 'unary':
      return [tree.operand];
    case 'binary':
      return [tree.left, tree.right];
    default:
      return [];
  }
}

class Evaluator {
  private readonly source: string;
  private readonly context: Context;
  private readonly status: Status;

  constructor(source: string, context: Context, status: Status) {
    this.source = source;
    this.context = context;
    this.status = status;
  }

  value(tree: Expression): Json {
    switch (tree.type) {
      case 'literal':
        return tree.value;
      case 'name':
        return this.root(tree);
      case 'member':
        return this.member(tree);
      case 'call':
        return this.call(tree);
      case 'unary':
        return this.unary(tree);
      case 'binary':
        return this.binary(tree);
    }
  }

  private root(tree: Expression & { type: 'name' }): Json {
    if (Object.hasOwn(this.context, tree.name)) return this.context[tree.name];
    const hint = suggest(tree.name, Object.keys(this.context), 'names');
    throw this.error(`\`${tree.name}\` is not defined here`, tree, hint, true);
  }

  private member(tree: Expression & { type: 'member' }): Json {
    const object = this.value(tree.object);
    const key = this.value(tree.property);
    if (Array.isArray(object)) return this.element(object, key, tree);
    if (isJsonObject(object)) return this.field(object, key, tree);
    const name = this.source.slice(tree.object.start, tree.object.end);
    const what = `\`${name}\` is ${typeName(object)}, which has no fields`;
    throw this.error(what, tree, undefined, object === null);
  }

  private field(object: JsonObject, key: Json, tree: Expression & { type: 'member' }): Json {
    if (typeof key !== 'string') {
      throw this.error(`a field name must be text, found ${typeName(key)}`, tree.property);
    }
    if (Object.hasOwn(object, key)) return object[key];
    const name = this.source.slice(tree.object.start, tree.object.end);
    const hint = suggest(key, Object.keys(object), 'fields');
    throw this.error(`\`${name}\` has no field \`${key}\``, tree.property, hint ?? 'it has no fields', true);
  }

  private element(list: Json[], key: Json, tree: Expression & { type: 'member' }): Json {
    if (typeof key !== 'number' || !Number.isInteger(key)) {
      throw this.error(`a list index must be a whole number, counted from 0`, tree.property);
    }
    if (key >= 0 && key < list.length) return list[key];
    throw this.error(
      `the list has ${list.length} members; index ${key} does not exist`,
      tree.property,
      undefined,
      true,
    );
  }

  private call(tree: Expression & { type: 'call' }): Json {
    if (tree.name === 'always') return true;
    if (tree.name === 'success') return this.status.success;
    if (tree.name === 'failure') return this.status.failure;
    if (tree.name === 'default') return this.defaulted(tree.arguments[0], tree.arguments[1]);
    if (tree.name === 'choose') {
      const [condition, whenTrue, otherwise] = tree.arguments;
      return this.value(isTruthy(this.value(condition)) ? whenTrue : otherwise);
    }
    const values = tree.arguments.map((argument) => this.value(argument));
    return this.placed(tree, () => PURE_FUNCTIONS[tree.name](values));
  }

  /** Returns the fallback if the value is null or missing. Other errors are thrown. */
  private defaulted(preferred: Expression, fallback: Expression): Json {
    try {
      const value = this.value(preferred);
      if (value !== null) return value;
    } catch (error) {
      if (!(error instanceof ExpressionError && error.missing)) throw error;
    }
    return this.value(fallback);
  }

  private unary(tree: Expression & { type: 'unary' }): Json {
    const operand = this.value(tree.operand);
    if (tree.operator === '!') return !isTruthy(operand);
    if (typeof operand === 'number') return 0 - operand; // Avoids -0, which JSON cannot represent.
    throw this.error(`- requires a number, found ${typeName(operand)}`, tree.operand);
  }

  private binary(tree: Expression & { type: 'binary' }): Json {
    const left = this.value(tree.left);
    if (tree.operator === '&&') return isTruthy(left) ? this.value(tree.right) : left;
    if (tree.operator === '||') return isTruthy(left) ? left : this.value(tree.right);
    const right = this.value(tree.right);
    return this.placed(tree, () => apply(tree.operator, left, right));
  }

  /** Runs `compute` and adds the place of `tree` to its errors. */
  private placed(tree: Expression, compute: () => Json): Json {
    try {
      return compute();
    } catch (error) {
      if (error instanceof ArgumentError) throw this.error(error.message, tree, error.hint);
      if (error instanceof TypeError) throw this.error(error.message, tree);
      throw error;
    }
  }

  private error(what: string, tree: Expression, hint?: string, missing = false): ExpressionError {
    const span = { start: tree.start, end: tree.end };
    return new ExpressionError(what, this.source, span, { hint, missing });
  }
}

function apply(operator: BinaryOperator, left: Json, right: Json): Json {
  switch (operator) {
    case '==':
      return equal(left, right);
    case '!=':
      return !equal(left, right);
    case '<':
    case '>':
    case '<=':
    case '>=':
      return ordered(operator, left, right);
    case '+':
      if (typeof left === 'string' && typeof right === 'string') return bounded(left + right);
      return arithmetic(operator, left, right);
    default:
      return arithmetic(operator, left, right);
  }
}

/**
 * Compares values of the same type, or with null. Text never equals a number, so such a comparison is a
 * mistake and is rejected.
 */
function equal(left: Json, right: Json): boolean {
  if (left !== null && right !== null && kind(left) !== kind(right)) {
    const mixed = [kind(left), kind(right)].includes('number');
    const hint = mixed ? 'use number(value) or string(value)' : undefined;
    throw new ArgumentError(`cannot compare ${typeName(left)} with ${typeName(right)}`, hint);
  }
  return canonicalJson(left) === canonicalJson(right);
}

function kind(value: Json): string {
  return Array.isArray(value) ? 'list' : typeof value;
}

function ordered(operator: string, left: Json, right: Json): boolean {
  const comparable =
    (typeof left === 'number' && typeof right === 'number') ||
    (typeof left === 'string' && typeof right === 'string');
  if (!comparable) {
    const what = `${operator} requires two numbers or two text values, found ${typeName(left)} and ${typeName(right)}`;
    throw new ArgumentError(what, 'CSV fields are text: use number(value)');
  }
  if (operator === '<') return left < right;
  if (operator === '>') return left > right;
  return operator === '<=' ? left <= right : left >= right;
}

function arithmetic(operator: string, left: Json, right: Json): number {
  if (typeof left !== 'number' || typeof right !== 'number') {
    const text = typeof left === 'string' || typeof right === 'string';
    const hint = text ? "use number(value), or format('{0}{1}', a, b) to join text" : undefined;
    const what = `${operator} requires two numbers, found ${typeName(left)} and ${typeName(right)}`;
    throw new ArgumentError(what, hint);
  }
  if ((operator === '/' || operator === '%') && right === 0) throw new ArgumentError('division by zero');
  const result = calculate(operator, left, right);
  if (Number.isFinite(result)) return result === 0 ? 0 : result;
  throw new ArgumentError('the result is too large to be a number');
}

function calculate(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    default:
      return left % right;
  }
}
