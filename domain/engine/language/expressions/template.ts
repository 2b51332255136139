import type { Json } from '../../../json.js';
import { ExpressionError } from './error.js';
import { ArgumentError, bounded, toText } from './functions.js';
import { ALL_SUCCEEDED, evaluate, type Context, type Status } from './evaluate.js';

/**
 * Values with `${{ }}` inside. A text that consists of one expression becomes the value of that expression
 * and keeps its type; expressions inside a longer text become text. `$${{` is a literal `${{`. Workflows
 * import this file, so it uses no Node built-ins.
 */

export type TemplatePart =
  | { type: 'text'; text: string }
  /** `source` begins at `offset` in the template; `start` and `end` enclose the whole `${{ }}`. */
  | { type: 'expression'; source: string; offset: number; start: number; end: number };

const MAX_NESTING = 64;

/**
 * Replaces every `${{ }}` in a value, including lists and objects. Keys are not changed.
 * @throws ExpressionError
 */
export function evaluateTemplate(value: Json, context: Context, status: Status = ALL_SUCCEEDED): Json {
  return mapTexts(value, (text) => evaluateText(text, context, status));
}

/** Replaces each text inside a value with the result of `change`. */
export function mapTexts(value: Json, change: (text: string) => Json, depth = 0): Json {
  if (depth > MAX_NESTING) {
    throw new ExpressionError('the value is nested too deeply', '', { start: 0, end: 1 });
  }
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) return value.map((member) => mapTexts(member, change, depth + 1));
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]) => [key, mapTexts(member, change, depth + 1)]);
  return Object.fromEntries(members) as Json;
}

function evaluateText(text: string, context: Context, status: Status): Json {
  if (!text.includes('${{')) return text;
  const parts = parseTemplate(text);
  const whole = wholeExpression(parts);
  if (whole) return evaluatePart(whole, text, context, status);
  const pieces = parts.map((part) => {
    if (part.type === 'text') return part.text;
    const value = evaluatePart(part, text, context, status);
    return embedded(value, part, text);
  });
  return bounded(pieces.join(''));
}

function evaluatePart(
  part: TemplatePart & { type: 'expression' },
  text: string,
  context: Context,
  status: Status,
): Json {
  try {
    return evaluate(part.source, context, status);
  } catch (error) {
    throw error instanceof ExpressionError ? error.within(text, part.offset) : error;
  }
}

/**
 * Converts a value for use inside a longer text.
 * @throws ExpressionError for lists, objects and null
 */
export function embedded(value: Json, part: TemplatePart & { type: 'expression' }, text: string): string {
  try {
    return toText(value);
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    throw new ExpressionError(error.message, text, part, { hint: error.hint });
  }
}

/** Returns the expression if the text contains nothing else except spaces. */
export function wholeExpression(
  parts: readonly TemplatePart[],
): (TemplatePart & { type: 'expression' }) | undefined {
  const expressions = parts.filter((part) => part.type === 'expression');
  const onlySpace = parts.every((part) => part.type === 'expression' || part.text.trim() === '');
  return expressions.length === 1 && onlySpace ? expressions[0] : undefined;
}

/**
 * Splits a text into literal parts and expressions.
 * @throws ExpressionError if a `${{` has no matching `}}`
 */
export function parseTemplate(text: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let literal = '';
  let at = 0;
  for (;;) {
    const open = text.indexOf('${{', at);
    if (open < 0) break;
    if (open > at && text[open - 1] === '$') {
      literal += `${text.slice(at, open - 1)}\${{`;
      at = open + 3;
      continue;
    }
    literal += text.slice(at, open);
    if (literal !== '') parts.push({ type: 'text', text: literal });
    literal = '';
    const close = closing(text, open);
    const source = text.slice(open + 3, close);
    parts.push({ type: 'expression', source, offset: open + 3, start: open, end: close + 2 });
    at = close + 2;
  }
  literal += text.slice(at);
  if (literal !== '' || parts.length === 0) parts.push({ type: 'text', text: literal });
  return parts;
}

/** Offset of the `}}` that ends the expression opened at `open`; braces inside quoted text are ignored. */
function closing(text: string, open: number): number {
  let quoted = false;
  for (let at = open + 3; at < text.length; at++) {
    if (text[at] === "'") quoted = !quoted;
    else if (!quoted && text.startsWith('}}', at)) return at;
    else if (!quoted && text.startsWith('${{', at)) break;
  }
  const what = quoted ? 'a quoted text after ${{ is not closed' : 'this ${{ has no matching }}';
  const hint = quoted ? "end it with '" : 'end the expression with }}';
  throw new ExpressionError(what, text, { start: open, end: open + 3 }, { hint });
}

/**
 * Returns the template whose value is exactly `text`: every `${{` is escaped, so that it is not parsed as an
 * expression.
 */
export function escapeTemplate(text: string): string {
  return text.replaceAll('${{', () => '$${{');
}

/** Whether a template can have this value for some values of its expressions. */
export function couldBecome(template: Json | undefined, value: Json | undefined): boolean {
  if (template === undefined || value === undefined) return template === value;
  if (typeof template === 'string') return textCouldBecome(template, value);
  if (typeof template !== 'object' || template === null) return template === value;
  if (typeof value !== 'object' || value === null || Array.isArray(template) !== Array.isArray(value))
    return false;
  const members = new Map(Object.entries(value));
  const names = Object.keys(template);
  return (
    names.length === members.size &&
    Object.entries(template).every(([name, member]) => couldBecome(member, members.get(name)))
  );
}

function textCouldBecome(template: string, value: Json): boolean {
  if (!template.includes('${{')) return template === value;
  const parts = parseTemplate(template);
  if (wholeExpression(parts)) return true;
  if (typeof value !== 'string') return false;
  const texts: string[] = [''];
  for (const part of parts) {
    if (part.type === 'expression') texts.push('');
    else texts[texts.length - 1] += part.text;
  }
  return occurInOrder(texts, value);
}

/** Whether a text begins with the first piece, ends with the last, and has the others in order in between. */
function occurInOrder([first, ...rest]: string[], text: string): boolean {
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.slice(first.length).endsWith(last)) return false;
  let between = text.slice(first.length, text.length - last.length);
  for (const piece of rest) {
    const at = between.indexOf(piece);
    if (at < 0) return false;
    between = between.slice(at + piece.length);
  }
  return true;
}
