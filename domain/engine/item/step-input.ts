import type { JsonObject } from '../../json.js';
import type { PlanRef, StagePlan } from '../language/plan/plan.js';
import type { Lease } from '../store/lease.js';

/** What every activity of a run gets: which plan it carries out, where, and by which right. */
export interface RunScope {
  run: string;
  /** Absolute work folder. */
  work: string;
  plan: PlanRef;
  lease: Lease;
}

/**
 * The argument of every step activity: parameters by value, files by reference, and the location of the
 * outputs.
 */
export interface StepInput extends RunScope {
  /** Absolute folder to which relative paths in `with` are relative. */
  base: string;
  stage: string;
  /** Item key. For a stage with one item, the stage's name. */
  item: string;
  /** The stage has one item, whose key is then not part of the cache key. */
  single: boolean;
  step: string;
  /** Where outputs are published, relative to the work folder: `train/sam-mil-0-2`. */
  folder: string;
  /** The step's `with` with evaluated expressions. */
  with: JsonObject;
  /** Receipts of earlier runs are ignored. */
  force: boolean;
  /** `stall` of the step. Absent: the activity's. */
  stall?: string;
}

export interface StepResult {
  outputs: JsonObject;
  /** The reason why the item ends here on purpose. */
  skip?: string;
  /** The receipt was up to date, so nothing was executed. */
  cached: boolean;
  /** Duration of the work that made the outputs, in seconds. */
  seconds: number;
}

/** The part of the input that all steps of an item share. */
export type ItemInput = Omit<StepInput, 'step' | 'with' | 'stall'>;

/** The part of the input that all items of a run share. `force` contains stages, `stage@item` or `*`. */
export type ItemScope = RunScope & Pick<StepInput, 'base'> & { force: readonly string[] };

/**
 * Builds the input that all steps of an item share. Workflows import this file, so it uses no Node built-ins.
 * @param ownFolder each item of the stage has a separate output folder, as in a matrix
 */
export function itemInput(
  { run, work, plan, lease, base, force }: ItemScope,
  stage: StagePlan,
  key: string,
  ownFolder: boolean,
): ItemInput {
  return {
    run,
    work,
    plan,
    lease,
    base,
    stage: stage.name,
    item: key,
    single: stage.source.kind === 'single',
    folder: ownFolder ? `${stage.name}/${key}` : stage.name,
    force: isForced(force, stage, key),
  };
}

/** A stage outside the selection is never forced: its existing results are reused. */
function isForced(force: readonly string[], { name, of = name, reuse }: StagePlan, key: string): boolean {
  const targets = ['*', name, of, `${name}@${key}`, `${of}@${key}`];
  return reuse !== true && targets.some((target) => force.includes(target));
}
