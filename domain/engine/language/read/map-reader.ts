import type { Json } from '../../../json.js';
import { nearest, suggest } from '../expressions/did-you-mean.js';
import { booleanHint, describeNode, describeValue, numberHint } from './describe.js';
import type { Named } from './document.js';
import { DURATION_FORM, durationMs } from '../plan/duration.js';
import { resolveStatic } from './node-expressions.js';
import type { KnownParams } from './param-types.js';
import type { ProblemCode } from '../problems/problem-codes.js';
import type { Place, ProblemList } from '../problems/problems.js';
import type { Entry, MapNode, YamlNode } from './yaml-nodes.js';

export interface ReadContext {
  problems: ProblemList;
  known: KnownParams;
}

/** Keys of other tools that mean the same as one of ours. */
const SYNONYMS: Readonly<Record<string, string | undefined>> = {
  version: 'pipeline',
  jobs: 'stages',
  tasks: 'stages',
  parameters: 'params',
  args: 'with',
  deps: 'needs',
  depends: 'needs',
  'depends-on': 'needs',
  depends_on: 'needs',
  queue: 'runs-on',
  each: 'foreach',
  'for-each': 'foreach',
  retries: 'retry',
};

/** Keys of other tools, with what to write here instead. */
const FOREIGN: Readonly<Record<string, string | undefined>> = {
  inputs: 'write `params` at the top, `with` in a stage or step',
  strategy: 'put `matrix`, `max-parallel` and `fail-fast` directly in the stage',
  run: 'there are no shell steps: `uses` names an activity',
  cmd: 'there are no shell steps: `uses` names an activity',
  'timeout-minutes': 'write `timeout: 30m`',
  do: 'write `uses` or `steps`',
  env: 'put the settings of an activity in `with`',
};

/**
 * Opens the mapping in `node` and checks its keys against `keys`. If it is not a mapping, reports a problem
 * and returns undefined.
 */
export function openMap(
  node: YamlNode,
  what: string,
  keys: readonly string[],
  context: ReadContext,
  hint?: string,
): MapReader | undefined {
  if (node.kind === 'scalar' && node.broken) return undefined;
  if (node.kind !== 'map') {
    const message = `${what} must be a mapping of keys to values, found ${describeNode(node)}`;
    context.problems.error('wrong-type', node.place, message, hint);
    return undefined;
  }
  const entries = node.entries.map((entry, index) => {
    const { key, keyPlace } = entry;
    if (keys.includes(key) || keys.includes('*') || (key.startsWith('x-') && keys.includes('x-*')))
      return entry;
    const valid = keys.filter((name) => name !== 'x-*');
    const absent = valid.filter((name) => !node.entries.some((other) => other.key === name));
    const meant = meantKey(key, absent);
    const hint =
      meant === undefined
        ? (FOREIGN[key] ?? elsewhere(key) ?? outdented(node, index) ?? suggest(key, valid, 'valid keys'))
        : `write \`${meant}\``;
    context.problems.error('unknown-key', keyPlace, `${what} has no key \`${key}\``, hint);
    return meant === undefined ? entry : { ...entry, key: meant };
  });
  return new MapReader({ ...node, entries }, what, context);
}

function elsewhere(key: string): string | undefined {
  return Object.hasOwn(SYNONYMS, key) ? `write \`${SYNONYMS[key]}\`` : undefined;
}

/** A key after `with` is most likely a parameter that is not indented far enough. */
function outdented({ entries }: MapNode, index: number): string | undefined {
  const before = entries.at(index - 1);
  if (index === 0 || before?.key !== 'with' || before.value.kind !== 'map') return undefined;
  const column = before.value.entries.at(0)?.keyPlace.column;
  if (column === undefined) return undefined;
  return `if it is a parameter of the activity, indent it by ${column - 1} spaces, under \`with\``;
}

/** The key that was most likely meant. The mapping is read with it, so that one mistake is reported once. */
export function meantKey(key: string, absent: readonly string[]): string | undefined {
  const synonym = Object.hasOwn(SYNONYMS, key) ? SYNONYMS[key] : undefined;
  if (synonym !== undefined && absent.includes(synonym)) return synonym;
  return Object.hasOwn(FOREIGN, key) || synonym !== undefined
    ? undefined
    : nearest(key.replaceAll('_', '-'), absent);
}

/** Reads typed values from a mapping. Invalid values are reported and read as absent. */
export class MapReader {
  readonly node: MapNode;
  private readonly what: string;
  private readonly context: ReadContext;

  constructor(node: MapNode, what: string, context: ReadContext) {
    this.node = node;
    this.what = what;
    this.context = context;
  }

  /** The same mapping, read with other params. */
  with(context: ReadContext): MapReader {
    return new MapReader(this.node, this.what, context);
  }

  entry(key: string): Entry | undefined {
    return this.node.entries.find((entry) => entry.key === key);
  }

  /** Returns the entry, or reports `missing-key` at `place`. */
  required(key: string, place: Place, hint?: string): Entry | undefined {
    const entry = this.entry(key);
    if (entry === undefined) {
      this.context.problems.error('missing-key', place, `${this.what} requires the key \`${key}\``, hint);
    }
    return entry;
  }

  text(key: string): string | undefined {
    return this.value(
      key,
      'text',
      (value) => (typeof value === 'string' ? value : undefined),
      (value) => {
        const [only] = Array.isArray(value) && value.length === 1 ? value : [];
        if (typeof only === 'string') return `write ${key}: ${only}`;
        return typeof value === 'number' || typeof value === 'boolean' ? 'write it in quotes' : undefined;
      },
    );
  }

  boolean(key: string): boolean | undefined {
    return this.value(
      key,
      'true or false',
      (value) => (typeof value === 'boolean' ? value : undefined),
      booleanHint,
    );
  }

  integer(key: string, minimum: number, maximum: number): number | undefined {
    const value = this.number(key, minimum, maximum, 'a whole number');
    if (value === undefined || Number.isInteger(value)) return value;
    this.fault('wrong-type', key, `must be a whole number, found ${value}`);
    return undefined;
  }

  number(key: string, minimum: number, maximum: number, expected = 'a number'): number | undefined {
    const value = this.value(
      key,
      expected,
      (found) => (typeof found === 'number' ? found : undefined),
      numberHint,
    );
    if (value === undefined || (value >= minimum && value <= maximum)) return value;
    const share =
      maximum === 1 && value >= 2 && value <= 100 ? `write ${value / 100} for ${value} %` : undefined;
    this.fault('bad-value', key, `must be between ${minimum} and ${maximum}, found ${value}`, share);
    return undefined;
  }

  /** @param word also accepted, instead of a duration */
  duration(key: string, word?: string): string | undefined {
    const form = word === undefined ? DURATION_FORM : `${DURATION_FORM}, or ${word}`;
    const value = this.value(
      key,
      'a duration',
      (found) => (typeof found === 'string' ? found : undefined),
      (found) => {
        return typeof found === 'number' ? `write the unit: ${found}s or ${found}m` : `write ${form}`;
      },
    );
    if (value === undefined || value === word || durationMs(value) !== undefined) return value;
    const short = /^(\d+(?:\.\d+)?)\s*(d|h|m|s)[a-z]*$/i.exec(value);
    const guess = short ? `${short[1]}${short[2].toLowerCase()}` : '';
    const hint = `write ${durationMs(guess) === undefined ? form : guess}`;
    this.fault('bad-duration', key, `must be a duration, found ${describeValue(value)}`, hint);
    return undefined;
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.text(key);
    if (value === undefined || (choices as readonly string[]).includes(value)) return value as T | undefined;
    this.fault('bad-value', key, `cannot be ${describeValue(value)}`, suggest(value, choices));
    return undefined;
  }

  /** Reads one name or a list of names. */
  names(key: string): Named[] {
    const entry = this.entry(key);
    if (entry === undefined) return [];
    const nodes = entry.value.kind === 'list' ? entry.value.items : [entry.value];
    return nodes.flatMap((node) => {
      const value = resolveStatic(node, this.context.known, this.context.problems);
      if (typeof value === 'string' && value.includes(',')) {
        const names = value
          .replace(/^\(|\)$/g, '')
          .split(',')
          .map((name) => name.trim());
        const hint = `write ${key}: [${names.join(', ')}]`;
        this.context.problems.error('wrong-type', node.place, `\`${key}\` must be a list, found text`, hint);
        return names.map((name) => ({ name, place: node.place }));
      }
      if (typeof value === 'string') return [{ name: value, place: node.place }];
      if (value !== undefined) {
        const message = `\`${key}\` must be a name or a list of names, found ${describeValue(value)}`;
        this.context.problems.error('wrong-type', node.place, message, `write ${key}: [a, b]`);
      }
      return [];
    });
  }

  private value<T>(
    key: string,
    expected: string,
    accept: (value: Json) => T | undefined,
    hint: (value: Json) => string | undefined,
  ): T | undefined {
    const entry = this.entry(key);
    if (entry === undefined) return undefined;
    const value = resolveStatic(entry.value, this.context.known, this.context.problems);
    if (value === undefined) return undefined;
    const accepted = accept(value);
    if (accepted === undefined) {
      this.fault('wrong-type', key, `must be ${expected}, found ${describeValue(value)}`, hint(value));
    }
    return accepted;
  }

  private fault(code: ProblemCode, key: string, what: string, hint?: string): void {
    const place = this.entry(key)?.value.place ?? this.node.place;
    this.context.problems.error(code, place, `\`${key}\` ${what}`, hint);
  }
}
