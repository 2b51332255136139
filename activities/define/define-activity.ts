import type { JsonObject } from '../../domain/json.js';
import type { InputFile, ItemRecord, Run } from '../../domain/job.js';
import { type CatalogEntry, itemsFileKind, type ValueSchema } from '../../domain/activity-schema.js';
import type { NativePart } from '../../domain/machine/native-parts.js';
import type { ModelEntry } from '../../domain/mil/models/registry.js';
import type { ParameterSet, TypedParameters, WithOf } from '../../domain/parameters.js';

export { fileInput, itemsInput, type ValueSchema as Schema } from '../../domain/activity-schema.js';

/** Everything the engine, the validator, the editor schema and the reference page know of an activity. No heavy import behind it. */
export interface ActivityDefinition {
  /** The YAML name: `pathology.patch`. */
  readonly name: string;
  /**
   * Part of the cache key: raise it when the same inputs give other outputs. A plugin's own code is part of the key as well; its version stands
   * for what that digest does not see: other packages, and programs that it calls.
   */
  readonly version: number;
  readonly summary: string;
  /** `properties` of the `with` block, kebab-case, each with description, type and default. */
  readonly with: ParameterSet['with'];
  readonly required: readonly string[];
  readonly outputs: Readonly<Record<string, ValueSchema>>;
  /** Default for `runs-on`. */
  readonly queue: 'cpu' | 'gpu';
  /** Defaults for `timeout` and `heartbeat`, Temporal duration strings. */
  readonly timeout: string;
  readonly heartbeat: string;
  /** `child`: forked process, kept warm and shared by activities with the same `runtime` name. `inline`: in the worker, for light asynchronous work only. */
  readonly isolation: 'child' | 'inline';
  /** Children are shared by activities of one runtime; default: the part of the name before the dot. */
  readonly runtime?: string;
  /** Libraries outside npm that it needs: a run or worker installs them before it starts. Default: none. */
  readonly requires?: readonly NativePart[];
  /** Where an attempt goes on after a kill, for the reference page: "last committed batch". */
  readonly resumesFrom: string;
  /**
   * Digests of weights and other hidden inputs chosen by `with` (an encoder's name): part of the cache key. `parameters` are as given, with defaults;
   * `inputs` are the files among them, found, by their place (`slide`, `tables.0`).
   */
  hiddenInputs?(parameters: JsonObject, inputs: Readonly<Record<string, InputFile>>): Promise<JsonObject>;
  /**
   * Names of the MIL models that the step runs: where a plugin brought one, its code is part of the cache key. Asked only where there are such
   * models. Arguments as of `hiddenInputs`; `work` is the absolute work folder.
   */
  modelsUsed?(
    parameters: JsonObject,
    inputs: Readonly<Record<string, InputFile>>,
    work: string,
  ): Promise<readonly string[]>;
  /** For `validate`, `plan` and `run`, before anything starts: see {@link CatalogEntry.findMissing}. Light and synchronous; no heavy import behind it. */
  findMissing?: CatalogEntry['findMissing'];
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
  load(): Promise<{ run: Run }>;
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

/** A definition with the literal types of its parameters, and an implementation that takes `Given`. */
export type TypedDefinition<Set extends ParameterSet, Given> = Omit<
  ActivityDefinition,
  keyof ParameterSet | 'load'
> &
  Set & { load(): Promise<{ run: Run<Given> }> };

/**
 * The definition, once the compiler has checked that the implementation takes the parameters that the schema describes, or any
 * {@link JsonObject}. The types end here: the engine checks every `with` against the schema before it calls the implementation.
 */
export function defineActivity<
  const With extends ParameterSet['with'],
  const Required extends keyof With & string,
>(
  definition: TypedDefinition<TypedParameters<With, Required>, WithOf<TypedParameters<With, Required>>>,
): ActivityDefinition;
export function defineActivity<
  const With extends ParameterSet['with'],
  const Required extends keyof With & string,
>(definition: TypedDefinition<TypedParameters<With, Required>, JsonObject>): ActivityDefinition;
export function defineActivity(definition: ActivityDefinition): ActivityDefinition {
  return definition;
}

/**
 * A file output that lists items ({@link ItemRecord} lines, outputs as `./paths` beside it): parameters that take items with an output of that kind
 * take it as well as `needs.STAGE.items`.
 */
export function itemsOutput(kind: string, description: string): ValueSchema {
  return fileOutput(itemsFileKind(kind), description);
}

/** A file output. */
export function fileOutput(kind: string, description: string): ValueSchema {
  return { type: 'object', 'x-kind': kind, description };
}

/** A set of activities that ships together and becomes one Temporal plugin. */
export interface ActivityPlugin {
  readonly name: string;
  readonly activities: readonly ActivityDefinition[];
  /** MIL models by name: each becomes a value of `model` of `mil.train-fold`. */
  readonly models?: Readonly<Record<string, ModelEntry>>;
}
