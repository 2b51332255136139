import type { Json } from './json.js';

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

/** JSON Schema, draft 2020-12, with extensions: the structure of the activities' own `Schema`. */
export interface ValueSchema {
  type?: string | string[];
  description?: string;
  default?: Json;
  enum?: Json[];
  const?: Json;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  minLength?: number;
  pattern?: string;
  items?: ValueSchema;
  properties?: Record<string, ValueSchema>;
  required?: string[];
  additionalProperties?: boolean | ValueSchema;
  anyOf?: ValueSchema[];
  /** The value is an input whose content matters: a file, or the items of a stage. */
  'x-input'?: 'file' | 'items';
  /** What the value is (`patches`, `segments`, `bag`): an output fits an input of the same kind. */
  'x-kind'?: string;
  'x-not-in-key'?: boolean;
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
