import { isAbsolute, resolve } from 'node:path';
import { canonicalJson, type Json, type JsonObject } from '../../../json.js';
import { listed, nearest } from '../expressions/did-you-mean.js';
import { booleanHint, describeValue } from './describe.js';
import type { Place } from '../problems/problems.js';

/** The types of params: which values they accept, and how values are parsed from a command line. */

export const PARAM_TYPES = ['path', 'string', 'integer', 'number', 'boolean', 'list', 'enum'] as const;
export type ParamType = (typeof PARAM_TYPES)[number];

/** Types that the members of a list can have. */
export const ITEM_TYPES = ['path', 'string', 'integer', 'number', 'boolean'] as const;

/** What is known about the params while a file is read. */
export interface KnownParams {
  values: JsonObject;
  /** Declared params without a default and without a value. */
  unset: ReadonlySet<string>;
  /** Every param that something refers to. Filled in while the file is read and checked. */
  used: Set<string>;
}

export interface ParamDeclaration {
  name: string;
  place: Place;
  type: ParamType;
  /** Type of the members of a list. If absent, any scalar is accepted. */
  items?: (typeof ITEM_TYPES)[number];
  description: string;
  /** The declaration has a mistake, which is reported. The param still counts as declared. */
  faulty?: boolean;
  /** As written, with relative paths. If absent, a value must be given. */
  default?: Json;
  /** The default is null: no value is required, and the value null unsets the param. */
  optional?: boolean;
  /** The allowed values; for a list, the allowed members. */
  choices?: Json[];
  minimum?: number;
  maximum?: number;
}

export interface Fault {
  code: 'wrong-type' | 'bad-value';
  what: string;
  hint?: string;
}

/** Returns why a param does not accept a value; undefined if it does. */
export function valueFault(param: ParamDeclaration, value: Json): Fault | undefined {
  if (value === null && param.optional) return undefined;
  if (param.type === 'list') return listFault(param, value);
  return typeFault(param.type, value) ?? rangeFault(param, value);
}

function listFault(param: ParamDeclaration, value: Json): Fault | undefined {
  if (!Array.isArray(value)) {
    return {
      code: 'wrong-type',
      what: `must be a list, found ${describeValue(value)}`,
      hint: 'write [a, b]',
    };
  }
  for (const member of value) {
    const type = param.items;
    const fault = (type && typeFault(type, member)) ?? scalarFault(member) ?? rangeFault(param, member);
    if (fault) return { ...fault, what: `has a member that ${fault.what}` };
  }
  return undefined;
}

function scalarFault(value: Json): Fault | undefined {
  if (typeof value !== 'object') return undefined;
  return { code: 'wrong-type', what: `must be text, a number or true/false, found ${describeValue(value)}` };
}

const EXPECTED: Record<Exclude<ParamType, 'list' | 'enum'>, [string, (value: Json) => boolean]> = {
  path: ['a path', (value) => typeof value === 'string' && value !== ''],
  string: ['text', (value) => typeof value === 'string'],
  integer: ['a whole number', (value) => Number.isSafeInteger(value)],
  number: ['a number', (value) => typeof value === 'number'],
  boolean: ['true or false', (value) => typeof value === 'boolean'],
};

function typeFault(type: Exclude<ParamType, 'list'>, value: Json): Fault | undefined {
  if (type === 'enum') return scalarFault(value);
  const [expected, accepts] = EXPECTED[type];
  if (accepts(value)) return undefined;
  const hint = type === 'boolean' ? booleanHint(value) : undefined;
  return { code: 'wrong-type', what: `must be ${expected}, found ${describeValue(value)}`, hint };
}

function rangeFault(param: ParamDeclaration, value: Json): Fault | undefined {
  const { choices, minimum = -Infinity, maximum = Infinity } = param;
  if (choices && !choices.some((choice) => canonicalJson(choice) === canonicalJson(value))) {
    const names = choices.map((choice) => (typeof choice === 'string' ? choice : canonicalJson(choice)));
    const meant = typeof value === 'string' ? nearest(value, names) : undefined;
    const hint = meant && `did you mean \`${meant}\`?`;
    return { code: 'bad-value', what: `cannot be ${describeValue(value)}; allowed: ${listed(names)}`, hint };
  }
  if (typeof value !== 'number' || (value >= minimum && value <= maximum)) return undefined;
  const bounds = `${minimum > -Infinity ? `at least ${minimum}` : ''}${maximum < Infinity ? ` at most ${maximum}` : ''}`;
  return { code: 'bad-value', what: `must be ${bounds.trim()}, found ${value}` };
}

/** Resolves relative paths against `folder`. */
export function settled(param: ParamDeclaration, value: Json, folder: string): Json {
  const absolute = (path: Json): Json =>
    typeof path === 'string' && !isAbsolute(path) ? resolve(folder, path) : path;
  if (param.type === 'path') return absolute(value);
  return param.items === 'path' && Array.isArray(value) ? value.map(absolute) : value;
}

/**
 * Parses a command-line value according to the type of the param. Returns unparsable text unchanged, for
 * `valueFault` to reject.
 */
export function parseText(param: ParamDeclaration, text: string): Json {
  if (param.optional && text === 'null') return null;
  if (param.type === 'list') return parseList(param, text);
  if (param.type !== 'enum') return parseScalar(param.type, text);
  const choice = param.choices?.find((candidate) => candidate === text || canonicalJson(candidate) === text);
  return choice ?? text;
}

function parseScalar(type: Exclude<ParamType, 'list' | 'enum'>, text: string): Json {
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text;
  if (type === 'integer' || type === 'number') return parseNumber(text) ?? text;
  return text;
}

function parseNumber(text: string): number | undefined {
  const looksLikeOne = /^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$/.test(text);
  return looksLikeOne && Number.isFinite(Number(text)) ? Number(text) : undefined;
}

/**
 * `a,b,c`, or JSON `["a","b"]`. Members are parsed according to `items`; without it, those that look like
 * numbers or true/false are converted. A number with leading zeros, such as 001, is a name.
 */
function parseList(param: ParamDeclaration, text: string): Json {
  if (text.trimStart().startsWith('[')) {
    try {
      return JSON.parse(text) as Json;
    } catch {
      return text;
    }
  }
  if (text.trim() === '') return [];
  return text.split(',').map((part) => {
    const member = part.trim();
    if (param.items) return parseScalar(param.items, member);
    const boolean = parseScalar('boolean', member);
    if (typeof boolean === 'boolean') return boolean;
    return /^[-+]?0\d/.test(member) ? member : (parseNumber(member) ?? member);
  });
}
