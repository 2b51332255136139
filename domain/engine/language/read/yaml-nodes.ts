import { isAlias, isMap, isScalar, isSeq, Lexer, parseDocument, Parser, visit } from 'yaml';
import type { Alias, Document, Pair, ParsedNode, Scalar, YAMLError, YAMLMap, YAMLSeq } from 'yaml';
import type { Json } from '../../../json.js';
import type { ProblemCode } from '../problems/problem-codes.js';
import { LineIndex } from '../problems/line-index.js';
import { FIRST_PLACE, type Place, type ProblemList } from '../problems/problems.js';

/**
 * YAML text as plain values with their places. Anchors and aliases are resolved; tags, merge keys and keys
 * other than text are rejected.
 */

export interface ScalarNode {
  kind: 'scalar';
  value: null | boolean | number | string;
  place: Place;
  /** The value could not be read. This has been reported, so later checks report nothing more about it. */
  broken?: boolean;
  /** Place of a part of a text value. The offsets are relative to the value. */
  placeOf(start: number, end: number): Place;
}

export interface ListNode {
  kind: 'list';
  items: YamlNode[];
  place: Place;
}

export interface MapNode {
  kind: 'map';
  entries: Entry[];
  place: Place;
}

export interface Entry {
  key: string;
  keyPlace: Place;
  value: YamlNode;
}

export type YamlNode = ScalarNode | ListNode | MapNode;

/** Maximum size in UTF-16 code units. A longer list of slides belongs in a CSV file. */
export const MAX_FILE = 512 * 1024;
/** Maximum number of values that aliases may add, including nested values. */
export const MAX_ALIASED = 10_000;
export const MAX_NESTING = 48;

/**
 * Reads the only document of a file. If that fails, reports the reasons in `problems` and returns undefined.
 */
export function readYaml(text: string, problems: ProblemList): YamlNode | undefined {
  if (text.length > MAX_FILE) {
    const size = `${Math.round(text.length / 1024)} KiB; at most ${MAX_FILE / 1024} KiB`;
    const hint = 'keep long lists in a CSV file and use foreach: { csv: FILE }';
    problems.error('file-too-large', FIRST_PLACE, `the file has ${size} are allowed`, hint);
    return undefined;
  }
  const lines = new LineIndex(text);
  const deep = tooDeepAt(text);
  if (deep !== undefined) {
    const place = { ...lines.position(deep), length: 1 };
    problems.error('too-deep', place, `values are nested more than ${MAX_NESTING} levels deep`);
    return undefined;
  }
  const document = parseDocument(text, {
    prettyErrors: false,
    uniqueKeys: false,
    version: '1.2',
    schema: 'core',
  });
  if (document.errors.length > 0) {
    for (const error of document.errors) reportSyntax(error, text, document, lines, problems);
    return undefined;
  }
  return new Converter(text, lines, problems).document(document);
}

/**
 * Offset at which nesting becomes too deep. This is checked before the library composes values, because it
 * does so recursively and a nearly full stack can abort the whole process.
 */
function tooDeepAt(text: string): number | undefined {
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    Array.from(parser.next(lexeme));
    // The document itself and the value being read are on the stack too.
    if (parser.stack.length > MAX_NESTING + 2) return Math.max(0, parser.offset - lexeme.length);
  }
  return undefined;
}

/** The value without its places. */
export function toJson(node: YamlNode): Json {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map(toJson);
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, toJson(value)]));
}

const SYNTAX: Partial<Record<YAMLError['code'], [code: ProblemCode, message?: string, hint?: string]>> = {
  TAB_AS_INDENT: ['tab-indent', 'tabs cannot be used for indentation', 'indent with spaces'],
  MULTIPLE_DOCS: [
    'multiple-documents',
    'the file contains more than one document',
    'a file contains one pipeline: remove the `---` and everything after it',
  ],
  RESOURCE_EXHAUSTION: ['too-deep', 'values are nested too deeply'],
};

function reportSyntax(
  error: YAMLError,
  text: string,
  document: Document.Parsed,
  lines: LineIndex,
  problems: ProblemList,
): void {
  const [code, description = inPlainWords(error.message), hint] = SYNTAX[error.code] ?? ['yaml-syntax'];
  const unclosed = /^Missing closing .*quote/.test(error.message);
  const opened = unclosed ? openQuote(document, error.pos[0]) : undefined;
  const message = unclosed ? 'this quote is not closed' : description;
  // The end of the file cannot be marked, so mark the last visible character.
  const at = opened ?? Math.min(error.pos[0], Math.max(0, text.trimEnd().length - 1));
  problems.error(code, { ...lines.position(at), length: 1 }, message, hint);
}

/** Start of the quoted text that is still open at `end`. */
function openQuote(document: Document.Parsed, end: number): number | undefined {
  let start: number | undefined;
  visit(document, {
    Scalar(_, { range, type }) {
      const quoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE';
      if (quoted && range && range[0] < end && range[1] >= end) start = range[0];
    },
  });
  return start;
}

/** Replaces the terms of the YAML parser where they are not commonly known. */
function inPlainWords(message: string): string {
  const bracket = /^Flow (?:map|sequence) .*must .*end with a ([\]}])/.exec(message)?.[1];
  if (bracket !== undefined) return `the closing ${bracket} is missing or not indented far enough`;
  if (message.startsWith('All mapping items must start'))
    return 'all keys of a mapping must start in the same column';
  if (message.startsWith('All sequence items must start'))
    return 'all `-` of a list must start in the same column';
  return /^[A-Z][a-z]/.test(message) ? message[0].toLowerCase() + message.slice(1) : message;
}

/** A value with the number of values that it contains and their nesting depth, both 1 for a scalar. */
interface Converted {
  node: YamlNode;
  size: number;
  height: number;
}

class Converter {
  private readonly text: string;
  private readonly lines: LineIndex;
  private readonly problems: ProblemList;
  private readonly anchors = new Map<string, Converted>();
  private aliased = 0;

  constructor(text: string, lines: LineIndex, problems: ProblemList) {
    this.text = text;
    this.lines = lines;
    this.problems = problems;
  }

  document(document: Document.Parsed): YamlNode {
    for (const warning of document.warnings) this.reportTag(warning);
    if (document.contents === null) return this.empty(FIRST_PLACE);
    return this.node(document.contents, 0, FIRST_PLACE).node;
  }

  private reportTag(warning: YAMLError): void {
    const place = this.place(warning.pos[0], warning.pos[1]);
    this.problems.error('yaml-tag', place, 'tags are not part of the pipeline language', 'remove the tag');
  }

  /** @param at place of a value that has no text in the file */
  private node(yaml: ParsedNode | null, depth: number, at: Place): Converted {
    if (yaml === null) return { node: this.empty(at), size: 1, height: 1 };
    if (isAlias(yaml)) return this.alias(yaml, depth);
    const converted = this.collection(yaml, depth, at);
    if (yaml.anchor !== undefined) this.anchors.set(yaml.anchor, converted);
    return converted;
  }

  private collection(yaml: ParsedNode, depth: number, at: Place): Converted {
    if (isScalar(yaml)) return { node: this.scalar(yaml, at), size: 1, height: 1 };
    const place = this.place(yaml.range[0], yaml.range[1]);
    if (isMap(yaml)) return this.map(yaml, depth, place);
    if (isSeq(yaml)) return this.list(yaml, depth, place);
    return { node: this.empty(place), size: 1, height: 1 };
  }

  private list(yaml: YAMLSeq.Parsed, depth: number, place: Place): Converted {
    const converted = yaml.items.map((item) => this.node(item, depth + 1, place));
    const node: YamlNode = { kind: 'list', items: converted.map((item) => item.node), place };
    const height = 1 + converted.reduce((highest, item) => Math.max(highest, item.height), 0);
    return { node, size: 1 + sum(converted.map((item) => item.size)), height };
  }

  private map(yaml: YAMLMap.Parsed, depth: number, place: Place): Converted {
    const entries: Entry[] = [];
    const keys = new Map<string, Place>();
    let size = 1;
    let height = 1;
    for (const pair of yaml.items) {
      const key = this.key(pair);
      if (key === undefined) continue;
      const value = this.node(pair.value, depth + 1, key.place);
      size += value.size;
      height = Math.max(height, 1 + value.height);
      const first = keys.get(key.text);
      if (first !== undefined) {
        const message = `\`${key.text}\` occurs twice; the first is on line ${first.line}`;
        this.problems.error('duplicate-key', key.place, message, 'remove or rename one of them');
        continue;
      }
      keys.set(key.text, key.place);
      entries.push({ key: key.text, keyPlace: key.place, value: value.node });
    }
    return { node: { kind: 'map', entries, place }, size, height };
  }

  private key(pair: Pair<ParsedNode, ParsedNode | null>): { text: string; place: Place } | undefined {
    const yaml = pair.key;
    const place = this.place(yaml.range[0], yaml.range[1]);
    if (isScalar(yaml) && yaml.value === '<<' && yaml.type === 'PLAIN') {
      this.problems.error(
        'merge-key',
        place,
        'merge keys are not supported',
        'write out the keys, or use `defaults`',
      );
      return undefined;
    }
    if (isScalar(yaml) && typeof yaml.value === 'string') return { text: yaml.value, place };
    const hint = isScalar(yaml) ? `write it in quotes: "${yaml.source}"` : undefined;
    this.problems.error('non-string-key', place, 'keys must be text', hint);
    return undefined;
  }

  private alias(yaml: Alias.Parsed, depth: number): Converted {
    const place = this.place(yaml.range[0], yaml.range[1]);
    const target = this.anchors.get(yaml.source);
    if (target === undefined) {
      const message = `\`*${yaml.source}\` is not defined before this point, or would contain itself`;
      this.problems.error('bad-alias', place, message);
      return { node: this.broken(place), size: 1, height: 1 };
    }
    if (depth + target.height > MAX_NESTING) {
      this.problems.error('too-deep', place, `values are nested more than ${MAX_NESTING} levels deep`);
      return { node: this.broken(place), size: 1, height: 1 };
    }
    const before = this.aliased;
    this.aliased = Math.min(MAX_ALIASED + 1, before + target.size);
    if (this.aliased <= MAX_ALIASED) return { ...target, node: { ...target.node, place } };
    if (before <= MAX_ALIASED) {
      const message = `aliases expand to more than ${MAX_ALIASED} values`;
      this.problems.error('alias-bomb', place, message);
    }
    return { node: this.broken(place), size: 1, height: 1 };
  }

  private scalar(yaml: Scalar.Parsed, at: Place): ScalarNode {
    const [start, end] = yaml.range;
    const place = end > start ? this.place(start, end) : at;
    const value = yaml.value as ScalarNode['value'];
    const fault = typeof value === 'number' ? numberFault(value, yaml.source ?? '') : undefined;
    if (fault !== undefined) {
      this.problems.error('bad-number', place, fault, 'write it in quotes if it is meant as text');
    }
    const placeOf = (from: number, to: number): Place => this.placeInside(yaml, place, from, to);
    return fault === undefined ? { kind: 'scalar', value, place, placeOf } : this.broken(place);
  }

  /**
   * Place of a part of a text in the file. If escapes or folded lines make the offsets in the value and the
   * file differ, the part is searched in the source; if it is not found there, the place is the whole value.
   */
  private placeInside(yaml: Scalar.Parsed, whole: Place, from: number, to: number): Place {
    const value = String(yaml.value);
    const [start, end] = yaml.range;
    const raw = this.text.slice(start, end);
    const quote = yaml.type === 'PLAIN' ? 0 : 1;
    if (raw.slice(quote, quote + value.length) === value) {
      return this.place(start + quote + from, start + quote + to);
    }
    const part = value.slice(from, to);
    const nth = value.slice(0, from).split(part).length - 1;
    const at = part === '' ? -1 : nthIndexOf(raw, part, nth);
    return at < 0 ? whole : this.place(start + at, start + at + part.length);
  }

  private empty(place: Place): ScalarNode {
    return { kind: 'scalar', value: null, place, placeOf: () => place };
  }

  private broken(place: Place): ScalarNode {
    return { ...this.empty(place), broken: true };
  }

  /** Place from `start` to `end`, ending at the end of the first line. */
  private place(start: number, end: number): Place {
    const newline = this.text.indexOf('\n', start);
    const lineEnd = newline < 0 ? this.text.length : newline;
    const marked = this.text.slice(start, Math.max(start, Math.min(end, lineEnd))).trimEnd();
    return { ...this.lines.position(start), length: Math.max(1, marked.length) };
  }
}

/**
 * Returns why a number may not be what the author meant: whole numbers beyond 2^53 and infinities, which JSON
 * cannot represent, and names such as 001, which would become 1.
 */
function numberFault(value: number, source: string): string | undefined {
  if (/^[-+]?0\d/.test(source)) return `${source} would be read as the number ${value}`;
  const whole = /^[-+]?\d+$|^0[xo]/.test(source);
  if (Number.isFinite(value) && (!whole || Number.isSafeInteger(value))) return undefined;
  return `${source} cannot be represented exactly as a finite number`;
}

function nthIndexOf(text: string, part: string, nth: number): number {
  let at = text.indexOf(part);
  for (let skipped = 0; skipped < nth && at >= 0; skipped++) at = text.indexOf(part, at + part.length);
  return at;
}

function sum(values: number[]): number {
  return values.reduce((total, value) => Math.min(Number.MAX_SAFE_INTEGER, total + value), 0);
}
