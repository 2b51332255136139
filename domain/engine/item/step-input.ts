import type { JsonObject } from '../../json.js';
import type { StagePlan } from '../language/plan/plan.js';

/** Argument of every step activity: parameters by value, files by reference, and where the outputs go. */
export interface StepInput {
  run: string;
  /** Absolute work folder. */
  work: string;
  /** Absolute folder that relative paths in `with` are resolved against. */
  base: string;
  stage: string;
  /** Item key; for a stage of one item, the stage's name. */
  item: string;
  /** The stage has one item: its key is then no part of the cache key. */
  single: boolean;
  step: string;
  /** Where outputs are published, relative to the work folder: `train/sam-mil-0-2`. */
  folder: string;
  /** The step's `with`, expressions evaluated. */
  with: JsonObject;
  /** Receipts from before this run do not count. */
  force: boolean;
}

export interface StepResult {
  outputs: JsonObject;
  /** The item ends here on purpose; the reason. */
  skip?: string;
  /** A receipt stood: nothing was executed. */
  cached: boolean;
}

/** What the inputs of an item's steps have in common. */
export type ItemInput = Omit<StepInput, 'step' | 'with'>;

/** What a run's items have in common. `force`: stages, `stage@item` or `*`. */
export type ItemScope = Pick<StepInput, 'run' | 'work' | 'base'> & { force: readonly string[] };

/**
 * The input of an item's steps, all but what is the step's own. Imported by workflows: no Node built-in here.
 * @param ownFolder outputs of the stage's items go into a folder each, as a matrix's do
 */
export function itemInput(
  { run, work, base, force }: ItemScope,
  stage: StagePlan,
  key: string,
  ownFolder: boolean,
): ItemInput {
  return {
    run,
    work,
    base,
    stage: stage.name,
    item: key,
    single: stage.source.kind === 'single',
    folder: ownFolder ? `${stage.name}/${key}` : stage.name,
    force: isForced(force, stage, key),
  };
}

/** A stage that a selection left out is never forced: its results are taken as they are. */
function isForced(force: readonly string[], { name, reuse }: StagePlan, key: string): boolean {
  return reuse !== true && ['*', name, `${name}@${key}`].some((target) => force.includes(target));
}
