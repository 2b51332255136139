import type { FileRef, ItemsRef } from '../../domain/job.js';
import type { JsonObject } from '../../domain/json.js';
import type { Counts } from '../../domain/engine/item/counts.js';
import type { ItemResult } from '../../domain/engine/item/item-result.js';
import type { RunScope } from '../../domain/engine/item/step-input.js';
import type { Tally } from '../../domain/engine/item/tally.js';
import type { StagePlan } from '../../domain/engine/language/plan/plan.js';
import type { ItemContext, NeedsContext } from '../../domain/engine/language/plan/step-context.js';

/**
 * Messages between the workflows and the engine's own activities. Everything that grows with the number of
 * items is in files in the run's folder; these messages contain references, counts and at most one page.
 */

/** One execution of a chain: a stage and those that take its items as they end. */
export interface ChainScope extends RunScope {
  stages: string[];
  /** Names the folder of this execution; unique to it. */
  execution: string;
}

export interface ReadPlanInput extends RunScope {
  header: JsonObject;
}

/** The part of a plan that the run workflow needs. */
export interface PlanSummary {
  name: string;
  onFailure: 'hold' | 'fail' | 'continue';
  stages: StageSummary[];
}

export interface StageSummary {
  name: string;
  /** The stage of the file, if this is one of the cells of its matrix. */
  of?: string;
  needs: string[];
  if?: string;
  maxParallel: number;
  /** The stage whose items it takes as they end. It reads nothing else of that stage. */
  follows?: string;
}

export interface ListItemsInput extends ChainScope {
  needs: NeedsContext;
  /** Keys of the requested items. Default: all. */
  only?: string[];
  /** Keys of items that the user skipped. */
  leaveOut?: string[];
}

export interface ListedItems {
  /** The chain's stages, without lists of cells. */
  stages: StagePlan[];
  /** Folder that relative paths are resolved against. */
  base: string;
  manifest: Manifest;
  /** By position: whether each item publishes into a separate folder below the stage's. */
  folders: boolean[];
  /** `needs.X.cells`, as far as the chain refers to them. */
  cells: Record<string, JsonObject>;
}

/** A JSON-lines file of {@link ManifestLine}, sorted by key; path relative to the work folder. */
export interface Manifest {
  file: FileRef;
  count: number;
}

export interface ManifestLine {
  key: string;
  fields: JsonObject;
  /** Outputs in the stage that the items come from. */
  prior?: JsonObject;
  /** Why the item does not run. */
  skip?: string;
}

export interface CheckPageInput extends ChainScope {
  manifest: Manifest;
  needs: NeedsContext;
  /** Index of the page's first item in the manifest. */
  start: number;
  limit: number;
  force: string[];
}

export interface CheckedPage {
  /** Index of the first item after the page. */
  next: number;
  todo: TodoItem[];
  /** By position in the chain: items that need no work, recorded already. */
  settled: Counts[];
}

/**
 * An item that needs work, starting with the first step that does. It has only the fields that expressions
 * read; the others stay in the manifest.
 */
export interface TodoItem extends ItemContext {
  /** In the manifest. */
  index: number;
  /** Position in the chain of the stage that needs work. */
  position: number;
}

export interface RecordItemsInput extends ChainScope {
  /** Counts from 0 within the execution: names the file, so that a retried recording replaces itself. */
  batch: number;
  results: { position: number; result: ItemResult }[];
}

export interface FinishStageInput extends ChainScope {
  stage: string;
  manifest: Manifest;
  /** What the workflow has counted. The results on disk must agree with it. */
  counts: Counts;
}

/** With the tally of all results; its failures are the first by key. */
export interface FinishedStageResult extends Tally {
  items: ItemsRef;
  /** A JSON-lines file of {@link UsedReceipts}, in the order of the items. */
  receipts: FileRef;
  /** Outputs of a stage of one item. */
  outputs?: JsonObject;
}

/** The steps whose receipts an item's result is based on. */
export interface UsedReceipts {
  key: string;
  steps: string[];
}

/** A stage that has ended, with the lists that it wrote. */
export interface EndedStage {
  stage: string;
  items: ItemsRef;
  receipts: FileRef;
}

export interface CheckOutputsInput extends RunScope {
  stages: EndedStage[];
}

/** A stage whose outputs are no longer as they were written. */
export interface DamagedStage {
  stage: string;
  /** Number of items with a damaged output; 0 if only a list of the stage's items is damaged. */
  items: number;
  /** The first few, relative to the work folder. */
  files: string[];
}

export interface CloseRunInput extends ReadPlanInput {
  /** The run's final status. */
  status: JsonObject;
  /** The items of the stages that have ended. */
  items: Record<string, ItemsRef>;
}

/** The engine's own activities by their Temporal names. */
export interface EngineActivities {
  'engine.read-plan'(input: ReadPlanInput): Promise<PlanSummary>;
  'engine.list-items'(input: ListItemsInput): Promise<ListedItems>;
  'engine.check-page'(input: CheckPageInput): Promise<CheckedPage>;
  'engine.record-items'(input: RecordItemsInput): Promise<void>;
  'engine.finish-stage'(input: FinishStageInput): Promise<FinishedStageResult>;
  'engine.check-outputs'(input: CheckOutputsInput): Promise<DamagedStage[]>;
  'engine.close-run'(input: CloseRunInput): Promise<void>;
}
