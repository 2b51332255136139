import { isAlias, isMap, isScalar, isSeq } from 'yaml';
import type { Alias, Document, Pair, ParsedNode, Scalar, YAMLError, YAMLMap, YAMLSeq } from 'yaml';
import type { LineIndex } from '../problems/line-index.js';
import { FIRST_PLACE, type Place, type ProblemList } from '../problems/problems.js';
import type { Entry, ScalarNode, YamlNode } from './yaml-nodes.js';

/** Maximum number of values that aliases may add, including nested values. */
const MAX_ALIASED = 10_000;
export const MAX_NESTING = 48;

/** A value with the number of values that it contains and their nesting depth, both 1 for a scalar. */
interface Converted {
  node: YamlNode;
  size: number;
  height: number;
  /** Mappings that follow a mapping in which all keys are repeated: items of a list without their `-`. */
  following?: YamlNode[];
}

/** Converts a parsed document, and reports what the pipeline language does not have. */
export class YamlConverter {
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
    this.problems.error(
      'yaml-tag',
      place,
      'tags are not part of the pipeline language',
      'remove the tag, or put the whole text in quotes',
    );
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
    const converted = yaml.items.map((item) => {
      return this.node(item, depth + 1, isAlias(item) ? place : this.place(item.range[0], item.range[0]));
    });
    const items = converted.flatMap((item) => [item.node, ...(item.following ?? [])]);
    const node: YamlNode = { kind: 'list', items, place };
    const height = 1 + converted.reduce((highest, item) => Math.max(highest, item.height), 0);
    return { node, size: 1 + sum(converted.map((item) => item.size)), height };
  }

  private map(yaml: YAMLMap.Parsed, depth: number, place: Place): Converted {
    let entries: Entry[] = [];
    let keys = new Map<string, Place>();
    const maps = [entries];
    let size = 1;
    let height = 1;
    for (const pair of yaml.items) {
      const key = this.key(pair);
      if (key === undefined) continue;
      const value = key.value ?? this.node(pair.value, depth + 1, key.place);
      size += value.size;
      height = Math.max(height, 1 + value.height);
      const first = keys.get(key.text);
      if (first !== undefined && isNextItem(key.text, entries, yaml)) {
        const message = `\`${key.text}\` occurs twice; the first is on line ${first.line}`;
        const hint = `if a new item of the list begins here, write - ${key.text}: …`;
        this.problems.error('duplicate-key', key.place, message, hint);
        entries = [];
        keys = new Map();
        maps.push(entries);
      } else if (first !== undefined) {
        const message = `\`${key.text}\` occurs twice; the first is on line ${first.line}`;
        this.problems.error('duplicate-key', key.place, message, 'remove or rename one of them');
        continue;
      }
      keys.set(key.text, key.place);
      entries.push({ key: key.text, keyPlace: key.place, value: value.node });
    }
    const [own, ...following] = maps.map((part): YamlNode => ({ kind: 'map', entries: part, place }));
    return { node: own, size, height, following };
  }

  private key(
    pair: Pair<ParsedNode, ParsedNode | null>,
  ): { text: string; place: Place; value?: Converted } | undefined {
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
    if (isScalar(yaml) && typeof yaml.value === 'string')
      return this.withoutSpace(yaml, pair.value) ?? { text: yaml.value, place };
    const source = this.text.slice(yaml.range[0], yaml.range[1]);
    if (isMap(yaml) && /^\{[^{}\n]*\}$/.test(source)) {
      this.problems.error(
        'yaml-syntax',
        place,
        'an expression begins with ${{ and must be in quotes',
        `write '\${{${source.slice(1, -1)}}}'`,
      );
      return undefined;
    }
    const hint = isScalar(yaml) ? `write it in quotes: "${yaml.source}"` : undefined;
    this.problems.error('non-string-key', place, 'keys must be text', hint);
    return undefined;
  }

  /** `{type:integer}` is a key without a value in YAML; nobody means that. */
  private withoutSpace(
    yaml: Scalar.Parsed,
    value: ParsedNode | null,
  ): { text: string; place: Place; value: Converted } | undefined {
    const parts =
      value === null && yaml.type === 'PLAIN' ? /^([a-z][\w-]*):(\S.*)$/i.exec(String(yaml.value)) : null;
    if (parts === null) return undefined;
    const [whole, key, rest] = parts;
    const place = this.place(yaml.range[0], yaml.range[1]);
    this.problems.error(
      'yaml-syntax',
      place,
      `a space is missing after the colon of ${whole}`,
      `write ${key}: ${rest}`,
    );
    const start = yaml.range[0] + key.length + 1;
    const node = { ...this.broken(this.place(start, yaml.range[1])), value: rest };
    return { text: key, place, value: { node, size: 1, height: 1 } };
  }

  private alias(yaml: Alias.Parsed, depth: number): Converted {
    const place = this.place(yaml.range[0], yaml.range[1]);
    const target = this.anchors.get(yaml.source);
    if (target === undefined) {
      const message = `\`*${yaml.source}\` is not defined before this point, or would contain itself`;
      this.problems.error('bad-alias', place, message, `if it is text, write '*${yaml.source}'`);
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
    if (typeof value === 'string' && yaml.type === 'PLAIN' && /\}\}['"]$/.test(value)) {
      const quote = value.slice(-1);
      this.problems.error(
        'yaml-syntax',
        place,
        `the text ends with ${quote} but does not begin with it`,
        `write ${quote}${value}`,
      );
    }
    if (typeof value === 'string' && yaml.type === 'PLAIN' && /^[“”„‘’‚«»].*[“”‘’«»]$/.test(value)) {
      const hint = `write '${value.slice(1, -1)}'`;
      this.problems.error(
        'yaml-syntax',
        place,
        `${value[0]} is not a quote in YAML, but part of the text`,
        hint,
      );
    }
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

/** Whether the first key of a mapping is repeated, and the second one after it. */
function isNextItem(key: string, entries: readonly Entry[], yaml: YAMLMap.Parsed): boolean {
  const second = entries.at(1)?.key;
  const times = yaml.items.filter(({ key: other }) => isScalar(other) && other.value === second).length;
  return key === entries[0].key && second !== undefined && times > 1;
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
