import type { JsonObject } from '../../domain/json.js';
import type { InputFile, ItemRecord, Run } from '../../domain/job.js';
import { type CatalogEntry, itemsFileKind, type ValueSchema } from '../../domain/activity-schema.js';
import type { NativePart } from '../../domain/machine/native-parts.js';
import type { ItemsFindings, ItemToCheck, StepFindings, StepToCheck } from './check-step.js';
import type { ModelEntry } from '../../domain/mil/models/registry.js';
import type { ReadPart } from '../../domain/engine/store/read-part.js';
import type { ReadingStep } from '../../domain/engine/store/reading-step.js';
import type { ParameterSet, TypedParameters, WithOf } from '../../domain/parameters.js';

export { fileInput, itemsInput, type ValueSchema as Schema } from '../../domain/activity-schema.js';

/**
 * Everything that the engine, the validator, the editor schema and the reference page know about an activity.
 * Imports nothing heavy.
 */
export interface ActivityDefinition {
  /** The YAML name: `pathology.patch`. */
  readonly name: string;
  /**
   * Part of the cache key. Raise it when the same inputs give different outputs. A plugin's own code is part
   * of the key too; its version covers what the digest of that code does not: other packages, and programs
   * that it calls.
   */
  readonly version: number;
  readonly summary: string;
  /** `properties` of the `with` block, kebab-case, each with description, type and default. */
  readonly with: ParameterSet['with'];
  /**
   * Returns {@link with} for pipelines that know only these MIL models. Set if `with` depends on the models:
   * plugins that other files name are not known to a file.
   */
  withModels?(models: readonly string[]): ParameterSet['with'];
  readonly required: readonly string[];
  readonly outputs: Readonly<Record<string, ValueSchema>>;
  /** Default for `runs-on`. */
  readonly queue: 'cpu' | 'gpu';
  /** Defaults for `timeout` and `heartbeat`, Temporal duration strings. */
  readonly timeout: string;
  readonly heartbeat: string;
  /**
   * Default for `stall`: the longest time that the implementation may take between two calls of `progress` or
   * `log`, with a large margin. An attempt that is silent for longer is killed and retried. Default: off.
   */
  readonly stall?: string;
  /**
   * `child`: forked process, kept warm and shared by activities with the same `runtime` name. `own-child`: a
   * forked process for this attempt only, which is killed with everything that it has started before the
   * outputs are published. `inline`: in the worker, for light asynchronous work only.
   */
  readonly isolation: 'child' | 'own-child' | 'inline';
  /** It runs programs that the pipeline names, which a worker may refuse (`worker --commands`). */
  readonly runsPrograms?: true;
  /** Activities with the same runtime share children. Default: the part of the name before the dot. */
  readonly runtime?: string;
  /**
   * Whether a step with these parameters computes on a GPU if it sees one. A worker then assigns it a GPU on
   * every queue. Activities whose `queue` is gpu always get one. Default: no.
   */
  usesGpu?(parameters: JsonObject): Promise<boolean>;
  /** Libraries outside npm that it needs: a run or worker installs them before it starts. Default: none. */
  readonly requires?: readonly NativePart[];
  /** Where an attempt resumes after a kill, for the reference page: "last committed batch". */
  readonly resumesFrom: string;
  /**
   * Returns digests of weights and other hidden inputs that `with` selects (an encoder's name); they are part
   * of the cache key. `parameters` are those given, with defaults; `inputs` are the resolved files among
   * them, by their place (`slide`, `tables.0`).
   */
  hiddenInputs?(parameters: JsonObject, inputs: Readonly<Record<string, InputFile>>): Promise<JsonObject>;
  /**
   * For an activity that reads only parts of its inputs, such as one fold of the splits and the bags of that
   * fold: returns these parts, by the name of the parameter. They replace the whole input in the cache key,
   * and the implementation gets nothing else of it. Called by the engine before the step runs and by `plan`.
   */
  reads?(step: ReadingStep): Promise<Readonly<Record<string, ReadPart>>>;
  /**
   * Returns the names of the MIL models that the step runs: the code of a plugin's model is part of the cache
   * key. Called only if a plugin has models. Arguments as for `hiddenInputs`; `work` is the absolute work
   * folder.
   */
  modelsUsed?(
    parameters: JsonObject,
    inputs: Readonly<Record<string, InputFile>>,
    work: string,
  ): Promise<readonly string[]>;
  /**
   * For `validate`, `plan` and `run`, before anything starts: see {@link CatalogEntry.findMissing}. Must be
   * fast and synchronous, and import nothing heavy.
   */
  findMissing?: CatalogEntry['findMissing'];
  /** See {@link CatalogEntry.outputsFrom}. */
  readonly outputsFrom?: CatalogEntry['outputsFrom'];
  /** See {@link CatalogEntry.outputsPer}. */
  readonly outputsPer?: CatalogEntry['outputsPer'];
  /** See {@link CatalogEntry.findFaults}. */
  findFaults?: CatalogEntry['findFaults'];
  /**
   * For `plan` and the start of `run`: checks a step as far as its parameters are known, so that a fault is
   * found before the work of the stages before it. Reads only input files that exist already, and takes
   * seconds at most. Called once for equal parameters.
   * @throws SamMilError for a fault with which the step cannot succeed
   */
  check?(step: StepToCheck): Promise<StepFindings>;
  /**
   * Like {@link check}, for what only the items of a stage together show. Called once per step of a stage.
   * @param all whether these are all items of the stage, and not a selection
   */
  checkItems?(items: readonly ItemToCheck[], all: boolean): Promise<ItemsFindings>;
  /**
   * Every run keeps a copy of the step's output files in its record, so that its numbers can be shown after a
   * later run has replaced the files in the work folder. For small files only.
   */
  readonly keptByRun?: true;
  /**
   * For an activity that writes outside the work folder, which receipts do not cover: returns why those files
   * are no longer valid, or undefined if they are. `outputs` are the receipt's; `digest` reads a file only if
   * its stamp changed.
   */
  outsideFault?(step: {
    work: string;
    with: JsonObject;
    outputs: JsonObject;
    digest: (path: string) => Promise<string>;
  }): Promise<string | undefined>;
  /** Loads the implementation. Called only in the process that does the work. */
  load(): Promise<{ run: Run }>;
  /**
   * Runs once when all items of a stage have ended, in the worker: writes stage-level files such as
   * `process_list_autogen.csv`. Must be fast and give the same files each time.
   */
  finishStage?(stage: FinishedStage): Promise<void>;
}

export interface FinishedStage {
  /** Absolute path of an empty folder. The engine publishes the files below it into the stage's folder. */
  folder: string;
  items: AsyncIterable<FinishedItem>;
}

export interface FinishedItem extends ItemRecord {
  /** Outputs and resolved `with` of this activity's step; empty if it did not finish. */
  step: { with: JsonObject; outputs: JsonObject };
}

/** A definition with the literal types of its parameters, and an implementation that takes `Given`. */
export type TypedDefinition<Set extends ParameterSet, Given> = Omit<
  ActivityDefinition,
  keyof ParameterSet | 'load'
> &
  Set & { load(): Promise<{ run: Run<Given> }> };

/**
 * Returns the definition, after the compiler has checked that the implementation accepts the parameters that
 * the schema describes, or any {@link JsonObject}. The types end here: the engine checks every `with` against
 * the schema before it calls the implementation.
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
 * A file output that lists items ({@link ItemRecord} lines, with outputs as `./paths` next to it). Parameters
 * that take items with an output of this kind accept it as well as `needs.STAGE.items`.
 */
export function itemsOutput(kind: string, description: string): ValueSchema {
  return fileOutput(itemsFileKind(kind), description);
}

/** A file output. */
export function fileOutput(kind: string, description: string): ValueSchema {
  return { type: 'object', 'x-kind': kind, description };
}

/** A set of activities that are distributed together and become one Temporal plugin. */
export interface ActivityPlugin {
  readonly name: string;
  readonly activities: readonly ActivityDefinition[];
  /** MIL models by name: each becomes a value of `model` of `mil.train-fold`. */
  readonly models?: Readonly<Record<string, ModelEntry>>;
}
