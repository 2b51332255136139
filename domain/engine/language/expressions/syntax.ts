import type { Json } from '../../../json.js';
import { suggest } from './did-you-mean.js';
import { ExpressionError, type Span } from './error.js';
import { tokenize, type Token } from './tokens.js';

export type BinaryOperator =
  '||' | '&&' | '==' | '!=' | '<' | '>' | '<=' | '>=' | '+' | '-' | '*' | '/' | '%';

export type Expression = Span &
  (
    | { type: 'literal'; value: Json }
    | { type: 'name'; name: string }
    | { type: 'member'; object: Expression; property: Expression }
    | { type: 'call'; name: string; arguments: Expression[] }
    | { type: 'unary'; operator: '!' | '-'; operand: Expression }
    | { type: 'binary'; operator: BinaryOperator; left: Expression; right: Expression }
  );

/** Precedence of the operators. Operators of equal precedence group from the left. */
export const PRECEDENCE: Readonly<Record<BinaryOperator, number>> = {
  '||': 1,
  '&&': 2,
  '==': 3,
  '!=': 3,
  '<': 4,
  '>': 4,
  '<=': 4,
  '>=': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
};

/** Every function with the minimum and maximum number of its arguments. */
export const FUNCTIONS: Readonly<Record<string, readonly [number, number]>> = {
  always: [0, 0],
  success: [0, 0],
  failure: [0, 0],
  range: [1, 3],
  format: [1, 32],
  join: [1, 2],
  contains: [2, 2],
  startsWith: [2, 2],
  endsWith: [2, 2],
  length: [1, 1],
  basename: [1, 2],
  default: [2, 2],
  choose: [3, 3],
  number: [1, 1],
  string: [1, 1],
  toJSON: [1, 1],
  fromJSON: [1, 1],
};

/** Deeper nesting is refused, so that neither parser nor evaluator can exhaust the stack. */
export const MAX_DEPTH = 64;

const LITERALS: Readonly<Record<string, Json>> = { true: true, false: false, null: null };

/**
 * Parses an expression without its `${{ }}`.
 * @throws ExpressionError with the place of the first mistake
 */
export function parseExpression(source: string): Expression {
  const parser = new Parser(source);
  return parser.whole();
}

/** Recursive descent with precedence climbing. */
class Parser {
  private readonly tokens: Token[];
  private readonly source: string;
  private at = 0;
  private depth = 0;

  constructor(source: string) {
    this.source = source;
    this.tokens = tokenize(source);
  }

  whole(): Expression {
    if (this.peek().type === 'end') throw this.error('the expression is empty', { start: 0, end: 1 });
    const expression = this.binary(1);
    const rest = this.peek();
    if (rest.type !== 'end') {
      const word = this.tokenText(rest);
      const hint = {
        and: 'write &&',
        or: 'write ||',
        is: 'write ==',
        in: 'write contains(list, value)',
        if: 'write choose(condition, a, b)',
      }[word];
      throw this.error(`unexpected \`${word}\` after the end of the expression`, rest, hint);
    }
    return expression;
  }

  private binary(lowest: number): Expression {
    this.enter();
    let left = this.unary();
    for (let chain = 1; ; chain++) {
      const operator = this.binaryOperator(lowest);
      if (operator === undefined) break;
      if (chain > MAX_DEPTH) throw this.error('the expression is too long', this.peek());
      this.at++;
      const right = this.binary(PRECEDENCE[operator] + 1);
      left = { type: 'binary', operator, left, right, start: left.start, end: right.end };
    }
    this.depth--;
    return left;
  }

  private binaryOperator(lowest: number): BinaryOperator | undefined {
    const token = this.peek();
    if (token.type !== 'operator' || !Object.hasOwn(PRECEDENCE, token.text)) return undefined;
    const operator = token.text as BinaryOperator;
    return PRECEDENCE[operator] >= lowest ? operator : undefined;
  }

  private unary(): Expression {
    const token = this.peek();
    if (token.type !== 'operator' || (token.text !== '!' && token.text !== '-')) return this.postfix();
    this.enter();
    this.at++;
    const operand = this.unary();
    this.depth--;
    return { type: 'unary', operator: token.text, operand, start: token.start, end: operand.end };
  }

  private postfix(): Expression {
    let object = this.primary();
    for (let chain = 1; this.isOperator('.') || this.isOperator('['); chain++) {
      if (chain > MAX_DEPTH) throw this.error('the path is too long', this.peek());
      const property = this.isOperator('.') ? this.dotted() : this.bracketed();
      object = { type: 'member', object, property, start: object.start, end: this.tokens[this.at - 1].end };
    }
    return object;
  }

  private dotted(): Expression {
    this.at++;
    const token = this.peek();
    if (token.type !== 'name') {
      throw this.error(`expected a name after the dot, found ${this.found(token)}`, token);
    }
    this.at++;
    return { type: 'literal', value: token.text, start: token.start, end: token.end };
  }

  private bracketed(): Expression {
    this.at++;
    const property = this.binary(1);
    this.expect(']');
    return property;
  }

  private primary(): Expression {
    const token = this.peek();
    this.at++;
    const span = { start: token.start, end: token.end };
    if (token.type === 'number') return { type: 'literal', value: Number(token.text), ...span };
    if (token.type === 'string') return { type: 'literal', value: token.text, ...span };
    if (token.type === 'name') return this.nameOrCall(token);
    if (token.type === 'operator' && token.text === '(') {
      const inner = this.binary(1);
      this.expect(')');
      return inner;
    }
    this.at--;
    throw this.error(`expected a value, found ${this.found(token)}`, token);
  }

  private nameOrCall(token: Token): Expression {
    if (this.isOperator('(')) return this.call(token);
    const span = { start: token.start, end: token.end };
    if (Object.hasOwn(LITERALS, token.text)) return { type: 'literal', value: LITERALS[token.text], ...span };
    if (Object.hasOwn(FUNCTIONS, token.text)) {
      throw this.error(`\`${token.text}\` is a function, not a value`, token, `write ${token.text}()`);
    }
    return { type: 'name', name: token.text, ...span };
  }

  private call(name: Token): Expression {
    if (!Object.hasOwn(FUNCTIONS, name.text)) {
      const hint = suggest(name.text, Object.keys(FUNCTIONS), 'functions');
      throw this.error(`function \`${name.text}\` does not exist`, name, hint);
    }
    this.at++;
    const values: Expression[] = [];
    while (!this.isOperator(')')) {
      if (values.length > 0) this.expect(',');
      values.push(this.binary(1));
    }
    this.expect(')');
    const span = { start: name.start, end: this.tokens[this.at - 1].end };
    this.checkArity(name.text, values.length, span);
    return { type: 'call', name: name.text, arguments: values, ...span };
  }

  private checkArity(name: string, count: number, span: Span): void {
    const [least, most] = FUNCTIONS[name];
    if (count >= least && count <= most) return;
    const allowed = least === most ? `${least}` : `${least} to ${most}`;
    const plural = allowed === '1' ? '' : 's';
    throw this.error(`${name}() takes ${allowed} argument${plural}, not ${count}`, span);
  }

  private enter(): void {
    this.depth++;
    if (this.depth > MAX_DEPTH) throw this.error('the expression is nested too deeply', this.peek());
  }

  private expect(operator: string): void {
    if (!this.isOperator(operator)) {
      throw this.error(`expected \`${operator}\`, found ${this.found(this.peek())}`, this.peek());
    }
    this.at++;
  }

  private isOperator(text: string): boolean {
    const token = this.peek();
    return token.type === 'operator' && token.text === text;
  }

  private peek(): Token {
    return this.tokens[this.at];
  }

  private tokenText(token: Token): string {
    return this.source.slice(token.start, token.end);
  }

  private found(token: Token): string {
    return token.type === 'end' ? 'the end of the expression' : `\`${this.tokenText(token)}\``;
  }

  private error(what: string, span: Span, hint?: string): ExpressionError {
    const marked = { start: span.start, end: Math.max(span.end, span.start + 1) };
    return new ExpressionError(what, this.source, marked, { hint });
  }
}
