import { ExpressionError, type Span } from './error.js';

export interface Token extends Span {
  type: 'name' | 'number' | 'string' | 'operator' | 'end';
  /** The operator or name; the decoded text of a string; the digits of a number. */
  text: string;
}

/** Maximum length in UTF-16 code units. A longer expression belongs in an activity. */
export const MAX_SOURCE = 4096;

const OPERATORS = /^(?:==|!=|<=|>=|&&|\|\||[<>!+\-*/%.,()[\]])/;
const NUMBER = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/;
/**
 * A hyphen between two name characters belongs to the name, as in `params.patch-size`. A minus sign requires
 * spaces.
 */
const NAME = /^[A-Za-z_][A-Za-z0-9_]*(?:-+[A-Za-z0-9_]+)*/;
const SPACE = /^[ \t\r\n]+/;

/**
 * Splits an expression without its `${{ }}` into tokens. The last token has the type `end`.
 * @throws ExpressionError
 */
export function tokenize(source: string): Token[] {
  if (source.length > MAX_SOURCE) {
    const what = `the expression has ${source.length} characters; at most ${MAX_SOURCE} are allowed`;
    throw new ExpressionError(what, source, { start: 0, end: 1 });
  }
  const tokens: Token[] = [];
  let at = 0;
  while (at < source.length) {
    const rest = source.slice(at);
    const space = SPACE.exec(rest);
    if (space) {
      at += space[0].length;
      continue;
    }
    const token = nextToken(source, at, rest);
    tokens.push(token);
    at = token.end;
  }
  tokens.push({ type: 'end', text: '', start: source.length, end: source.length });
  return tokens;
}

function nextToken(source: string, at: number, rest: string): Token {
  if (rest[0] === "'") return stringToken(source, at);
  const name = NAME.exec(rest);
  if (name) return token('name', name[0], at);
  const number = NUMBER.exec(rest);
  if (number) return numberToken(source, at, number[0]);
  const operator = OPERATORS.exec(rest);
  if (operator) return token('operator', operator[0], at);
  const hint = UNEXPECTED[rest[0]];
  throw new ExpressionError(
    `unexpected ${JSON.stringify(rest[0])}`,
    source,
    { start: at, end: at + 1 },
    { hint },
  );
}

const UNEXPECTED: Readonly<Record<string, string | undefined>> = {
  '"': "write text in single quotes: 'text'",
  '=': 'use == for equality',
  '&': 'use && for "and"',
  '|': 'use || for "or"',
  '?': 'there is no ?: operator; write `condition && value || other`',
};

function token(type: Token['type'], text: string, start: number): Token {
  return { type, text, start, end: start + text.length };
}

function numberToken(source: string, at: number, text: string): Token {
  const end = at + text.length;
  if (/[A-Za-z_]/.test(source[end] ?? '')) {
    throw new ExpressionError(`a name cannot begin with a digit`, source, { start: at, end: end + 1 });
  }
  if (!Number.isFinite(Number(text))) {
    throw new ExpressionError(`the number ${text} is too large`, source, { start: at, end });
  }
  return token('number', text, at);
}

/** Text in single quotes. A quote inside the text is doubled: `'it''s'`. */
function stringToken(source: string, start: number): Token {
  let text = '';
  let at = start + 1;
  for (;;) {
    const quote = source.indexOf("'", at);
    if (quote < 0) {
      const span = { start, end: source.length };
      throw new ExpressionError('this quoted text is not closed', source, span, { hint: "end it with '" });
    }
    text += source.slice(at, quote);
    if (source[quote + 1] !== "'") return { type: 'string', text, start, end: quote + 1 };
    text += "'";
    at = quote + 2;
  }
}
