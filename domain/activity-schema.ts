import type { ReadonlyJson } from './json.js';

/**
 * What the language knows of the activities that pipelines use. It enters as data, so that checking a file loads no implementation and a
 * third party's activity is checked like any other.
 */
export type Catalog = Readonly<Record<string, CatalogEntry>>;

export interface CatalogEntry {
  readonly version: number;
  readonly summary: string;
  /** By parameter name. */
  readonly with: Readonly<Record<string, ValueSchema>>;
  readonly required: readonly string[];
  readonly outputs: Readonly<Record<string, ValueSchema>>;
  /** Default for `runs-on`. */
  readonly queue: string;
  /** Defaults, Temporal duration strings. */
  readonly timeout: string;
  readonly heartbeat: string;
  /** For the reference page: "last committed batch". */
  readonly resumesFrom?: string;
  /**
   * What a value of a parameter needs and this machine does not have, such as the weights of the model that it names; undefined where nothing is
   * missing, or where that is not known without work. Asked only where files are looked for.
   */
  lacks?(parameter: string, value: string, step: LackContext): Lack | undefined;
}

/** What is not on this machine, and what to do. */
export interface Lack {
  what: string;
  next?: string;
  /** Set where it is not missing but wrong, so that it can't be right on another machine either. */
  wrong?: true;
}

export interface LackContext {
  /** Absolute folder that relative paths are resolved against. */
  base: string;
  /** Names of all parameters that are given. */
  given: ReadonlySet<string>;
}

/**
 * JSON Schema, draft 2020-12, as far as the project uses it, with three extensions of its own. What a schema admits as a TypeScript type:
 * `ValueOf` in parameters.ts.
 */
export interface ValueSchema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: ReadonlyJson;
  readonly enum?: readonly ReadonlyJson[];
  readonly const?: ReadonlyJson;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly minLength?: number;
  readonly pattern?: string;
  readonly items?: ValueSchema;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | ValueSchema;
  readonly anyOf?: readonly ValueSchema[];
  /** This value is an input of the activity, a file or the items of a stage: its content's digest, not its path, enters the cache key. */
  readonly 'x-input'?: 'file' | 'items';
  /** The kind of value an output is or an input takes (`patches`, `segments`, `bag`): an output fits an input of the same kind. */
  readonly 'x-kind'?: string;
  /**
   * Set to true for values that change speed, not results (batch-size is NOT one), and for a file of which only a part matters, which
   * `hiddenInputs` then adds (a table's row): they stay out of the cache key.
   */
  readonly 'x-not-in-key'?: boolean;
}

/** A file parameter: a path a person wrote, or the reference that an earlier step returned. */
export function fileInput(kind: string, description: string) {
  return { 'x-input': 'file', 'x-kind': kind, description } as const satisfies ValueSchema;
}

/** The items of an earlier stage: `${{ needs.STAGE.items }}`, each with an output of that kind; `any` takes whatever the stage makes. */
export function itemsInput(kind: string, description: string) {
  const known = kind === 'any' ? {} : { 'x-kind': kind };
  return { 'x-input': 'items', ...known, description } as const satisfies ValueSchema;
}

const ITEMS_FILE = '-items';

/** Kind of a file that lists items with outputs of a kind: a parameter that takes such items takes such a file. */
export function itemsFileKind(kind: string): string {
  return `${kind}${ITEMS_FILE}`;
}

export function isItemsFileKind(kind: string): boolean {
  return kind.endsWith(ITEMS_FILE);
}

export function lookUp<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
