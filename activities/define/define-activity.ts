import type { Json, JsonObject } from '../../domain/json.js';
import type { InputFile, ItemRecord, Run } from '../../domain/job.js';
import { type CatalogEntry, itemsFileKind } from '../../domain/activity-schema.js';
import type { ModelEntry } from '../../domain/mil/models/registry.js';

/** JSON Schema, draft 2020-12, as far as the project uses it, with two extensions of its own. */
export interface Schema {
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
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: boolean | Schema;
  anyOf?: Schema[];
  /** This value is an input of the activity: its content's digest, not its path, enters the cache key. */
  'x-input'?: 'file' | 'items';
  /** The kind of value an output is or an input wants (`patches`, `segments`, `bag`, `checkpoint`): lets `validate` refuse a wrong wire. */
  'x-kind'?: string;
  /**
   * Set to true for values that change speed, not results (batch-size is NOT one), and for a file of which only a part matters, which `hiddenInputs`
   * then adds (a table's row): they stay out of the cache key.
   */
  'x-not-in-key'?: boolean;
}

/** Everything the engine, the validator, the editor schema and the reference page know of an activity. No heavy import behind it. */
export interface ActivityDefinition {
  /** The YAML name: `pathology.patch`. */
  readonly name: string;
  /** Part of the cache key: raise it when the same inputs give other outputs. */
  readonly version: number;
  readonly summary: string;
  /** `properties` of the `with` block, kebab-case, each with description, type and default. */
  readonly with: Record<string, Schema>;
  readonly required: readonly string[];
  readonly outputs: Record<string, Schema>;
  /** Default for `runs-on`. */
  readonly queue: 'cpu' | 'gpu';
  /** Defaults for `timeout` and `heartbeat`, Temporal duration strings. */
  readonly timeout: string;
  readonly heartbeat: string;
  /** `child`: forked process, kept warm and shared by activities with the same `runtime` name. `inline`: in the worker, for light asynchronous work only. */
  readonly isolation: 'child' | 'inline';
  /** Children are shared by activities of one runtime; default: the part of the name before the dot. */
  readonly runtime?: string;
  /** Where an attempt goes on after a kill, for the reference page: "last committed batch". */
  readonly resumesFrom: string;
  /**
   * Digests of weights and other hidden inputs chosen by `with` (an encoder's name): part of the cache key. `parameters` are as given, with defaults;
   * `inputs` are the files among them, found, by their place (`slide`, `tables.0`).
   */
  hiddenInputs?(parameters: JsonObject, inputs: Readonly<Record<string, InputFile>>): Promise<JsonObject>;
  /** For `validate`, `plan` and `run`, before anything starts: see {@link CatalogueEntry.lacks}. Light and synchronous; no heavy import behind it. */
  lacks?: CatalogEntry['lacks'];
  /**
   * For what an activity writes outside the work folder, where receipts do not look: why that is no longer as it was left, or undefined where it is.
   * `outputs` are the receipt's; `digest` reads a file only where its stamp is new.
   */
  outsideFault?(step: {
    work: string;
    with: JsonObject;
    outputs: JsonObject;
    digest: (path: string) => Promise<string>;
  }): Promise<string | undefined>;
  /** The implementation, loaded only where the work is done. */
  load(): Promise<{ run: Run<never> }>;
  /** Runs once when all items of a stage have ended, in the worker: writes stage-level files such as `process_list_autogen.csv`. Light, idempotent. */
  finishStage?(stage: FinishedStage): Promise<void>;
}

export interface FinishedStage {
  /** Absolute path of the stage's folder. */
  folder: string;
  items: AsyncIterable<FinishedItem>;
}

export interface FinishedItem extends ItemRecord {
  /** Outputs and resolved `with` of this activity's step, empty where it did not end. */
  step: { with: JsonObject; outputs: JsonObject };
}

/** Identity with type checking; kept as a function so that a definition reads as one and later checks have a place. */
export function defineActivity(definition: ActivityDefinition): ActivityDefinition {
  return definition;
}

/** A file parameter: a path a person wrote, or the reference that an earlier step returned. */
export function fileInput(kind: string, description: string): Schema {
  return { 'x-input': 'file', 'x-kind': kind, description };
}

/** The items of an earlier stage: `${{ needs.STAGE.items }}`, each with an output of that kind; `any` takes whatever the stage makes. */
export function itemsInput(kind: string, description: string): Schema {
  return { 'x-input': 'items', ...(kind === 'any' ? {} : { 'x-kind': kind }), description };
}

/**
 * A file output that lists items ({@link ItemRecord} lines, outputs as `./paths` beside it): parameters that take items with an output of that kind
 * take it as well as `needs.STAGE.items`.
 */
export function itemsOutput(kind: string, description: string): Schema {
  return fileOutput(itemsFileKind(kind), description);
}

/** A file output. */
export function fileOutput(kind: string, description: string): Schema {
  return { type: 'object', 'x-kind': kind, description };
}

/** A set of activities that ships together and becomes one Temporal plugin. */
export interface ActivityPlugin {
  readonly name: string;
  readonly activities: readonly ActivityDefinition[];
  /** MIL models by name: each becomes a value of `model` of `mil.train-fold`. */
  readonly models?: Readonly<Record<string, ModelEntry>>;
}
