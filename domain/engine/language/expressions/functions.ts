import { canonicalJson, isJsonObject, type Json } from '../../../json.js';

/** An invalid argument of a function. The evaluator adds the place. */
export class ArgumentError extends Error {
  readonly hint: string | undefined;

  constructor(what: string, hint?: string) {
    super(what);
    this.name = 'ArgumentError';
    this.hint = hint;
  }
}

/**
 * Maximum length of a text (UTF-16 code units) or list that an expression returns: results are stored in the
 * workflow history.
 */
export const MAX_TEXT = 65_536;
export const MAX_LIST = 10_000;

/**
 * Functions that depend only on their argument values. The evaluator implements `default`, `choose` and the
 * status functions, which read more than that or do not evaluate every argument.
 */
export const PURE_FUNCTIONS: Readonly<Record<string, (values: Json[]) => Json>> = {
  range: (values) => range(values),
  format: ([template, ...values]) => bounded(format(textArgument('format', template), values)),
  join: ([list, separator = ',']) =>
    bounded(listArgument('join', list).map(toText).join(textArgument('join', separator))),
  contains: ([whole, part]) => contains(whole, part),
  startsWith: ([text, part]) => textArgument('startsWith', text).startsWith(textArgument('startsWith', part)),
  endsWith: ([text, part]) => textArgument('endsWith', text).endsWith(textArgument('endsWith', part)),
  length: ([value]) => length(value),
  basename: ([path, ending = '']) =>
    basename(textArgument('basename', path), textArgument('basename', ending)),
  number: ([value]) => number(value),
  string: ([value]) => toText(value),
  toJSON: ([value]) => bounded(canonicalJson(value)),
  fromJSON: ([text]) => fromJson(textArgument('fromJSON', text)),
};

/** The name of a value's type in messages. */
export function typeName(value: Json): string {
  if (value === null) return 'nothing (null)';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'boolean':
      return 'true/false';
    case 'number':
      return 'a number';
    case 'string':
      return 'text';
    default:
      return 'an object';
  }
}

/** Converts a value for use inside a longer text. Lists, objects and null cannot be converted. */
export function toText(value: Json): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value === 0 ? 0 : value);
  if (typeof value === 'boolean') return String(value);
  throw new ArgumentError(`${typeName(value)} cannot be converted to text`, textHint(value));
}

function textHint(value: Json): string {
  if (Array.isArray(value)) return "use join(list, ',') or toJSON(list)";
  return value === null ? "use default(value, '')" : 'use toJSON(value), or one of its fields';
}

export function bounded(text: string): string {
  if (text.length <= MAX_TEXT) return text;
  throw new ArgumentError(`the text has ${text.length} characters; at most ${MAX_TEXT} are allowed`);
}

function range(values: Json[]): number[] {
  const numbers = values.map((value) => {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
    const found = typeof value === 'number' ? String(value) : typeName(value);
    throw new ArgumentError(`range() requires whole numbers, found ${found}`);
  });
  const [start, stop] = numbers.length === 1 ? [0, numbers[0]] : numbers;
  const step = numbers[2] ?? 1;
  if (step === 0) throw new ArgumentError('the step of range() cannot be 0');
  const count = Math.max(0, Math.ceil((stop - start) / step));
  if (count > MAX_LIST) throw new ArgumentError(`range() returns at most ${MAX_LIST} numbers, not ${count}`);
  return Array.from({ length: count }, (_, index) => start + index * step);
}

/** `{0}` is the first value; `{{` and `}}` are literal braces. */
function format(template: string, values: Json[]): string {
  return template.replace(/\{\{|\}\}|\{(\d+)\}|[{}]/g, (match, digits: string | undefined) => {
    if (match === '{{' || match === '}}') return match[0];
    if (digits === undefined)
      throw new ArgumentError(`format() found a single ${match}`, `write ${match}${match}`);
    const index = Number(digits);
    if (index < values.length) return toText(values[index]);
    throw new ArgumentError(
      `format() has no value for {${digits}}: it got ${values.length} values, counted from 0`,
    );
  });
}

function contains(whole: Json, part: Json): boolean {
  if (Array.isArray(whole)) return whole.some((member) => canonicalJson(member) === canonicalJson(part));
  if (typeof whole === 'string') return whole.includes(textArgument('contains', part));
  throw new ArgumentError(`contains() requires a list or text, found ${typeName(whole)}`);
}

function length(value: Json): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  if (isJsonObject(value)) return Object.keys(value).length;
  throw new ArgumentError(`length() requires a list, an object or text, found ${typeName(value)}`);
}

/** Returns the file name of a path without `ending`. Both kinds of slash are separators. */
function basename(path: string, ending: string): string {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return ending !== '' && name !== ending && name.endsWith(ending) ? name.slice(0, -ending.length) : name;
}

/** Parses a number, such as a field of a CSV file. */
function number(value: Json): number {
  if (typeof value === 'number') return value;
  const text = textArgument('number', value).trim();
  const result = Number(text);
  if (/^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text) && Number.isFinite(result)) return result;
  throw new ArgumentError(`${JSON.stringify(text)} is not a number${nearNumber(text)}`);
}

/** What to write in place of `0,25` or `0.25 µm`. */
function nearNumber(text: string): string {
  const [, value, unit] = /^([-+]?\d+(?:[.,]\d+)?)\s*(\D*)$/u.exec(text) ?? [];
  if (value === undefined) return '';
  const rules = [
    ...(value.includes(',') ? ['with a decimal point'] : []),
    ...(unit ? ['without a unit'] : []),
  ];
  return `; write ${value.replace(',', '.')}, ${rules.join(' and ')}`;
}

function fromJson(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (error) {
    throw new ArgumentError(`fromJSON() got invalid JSON: ${(error as Error).message}`);
  }
  canonicalJson(value); // Rejects 1e999, which JSON.parse turns into infinity.
  return value;
}

function textArgument(name: string, value: Json): string {
  if (typeof value === 'string') return value;
  const hint = typeof value === 'number' ? 'use string(value)' : undefined;
  throw new ArgumentError(`${name}() requires text here, found ${typeName(value)}`, hint);
}

function listArgument(name: string, value: Json): Json[] {
  if (Array.isArray(value)) return value;
  throw new ArgumentError(`${name}() requires a list here, found ${typeName(value)}`);
}
