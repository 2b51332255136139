import type { Json, JsonObject } from '../../../json.js';

/**
 * A pipeline file after parsing, checking and expanding: what the workflows interpret. Pure data; imported by workflows, so no Node built-in here.
 * Strings may still hold `${{ }}` expressions over item, steps, matrix and needs; params are already substituted.
 */
export interface Plan {
  /** Version of this structure; an engine refuses a plan that is newer than itself. */
  plan: 1;
  name: string;
  description: string;
  /** Absolute path and digest of the pipeline file. */
  source: { path: string; digest: string };
  /** Absolute folder that relative paths of the pipeline are resolved against: the pipeline file's. */
  base: string;
  /** Absolute work folder. */
  work: string;
  params: JsonObject;
  /** External plugins, in the order they are loaded in: packages by name, modules by absolute path. Absent where there are none. */
  plugins?: string[];
  onFailure: 'hold' | 'fail' | 'continue';
  /** In an order in which every stage comes after its needs. */
  stages: StagePlan[];
}

export interface StagePlan {
  name: string;
  needs: string[];
  /**
   * Set by a selection (`--only`, `--from`): the stage's results must be there already. An item whose receipts do not stand fails, with the advice
   * to run without the selection, instead of being made.
   */
  reuse?: boolean;
  /** Expression source without `${{ }}`, evaluated once the needs have ended; absent means `success()`. */
  if?: string;
  source: ItemSource;
  maxParallel: number;
  failFast: boolean;
  /** Share of items, 0 to 1, that must end well for the stage to count as done. Default 1. */
  minSuccess: number;
  steps: StepPlan[];
  /** Declared outputs of each item; absent: those of the last step. */
  outputs?: Record<string, Json>;
}

export type ItemSource =
  /** One item whose key is the stage's name. */
  | { kind: 'single' }
  /** Matrix cells, expanded by the planner. */
  | { kind: 'matrix'; cells: MatrixCell[] }
  /** A list made by an activity when the stage starts; `value` may hold expressions over `needs`. `as` names the item in expressions, `keyField` its key. */
  | { kind: 'glob' | 'dir' | 'csv'; value: string; as: string; keyField?: string }
  | { kind: 'list'; value: Json; as: string; keyField?: string }
  /** The same items as an earlier stage, each with that stage's outputs in `needs.<stage>.outputs`; starts as its own predecessor ends where it can. */
  | { kind: 'from'; stage: string; as: string };

export interface MatrixCell {
  /** Values joined by `-`: `sam-mil-0-2`. */
  key: string;
  values: JsonObject;
}

export interface StepPlan {
  id: string;
  /** Activity name and the version it had when planned. */
  uses: string;
  version: number;
  if?: string;
  with: JsonObject;
  queue: string;
  /** Durations such as `2h`, see duration.ts. */
  timeout: string;
  heartbeat: string;
  retry: RetryPlan;
}

export interface RetryPlan {
  maxAttempts: number;
  initialInterval: string;
  backoffCoefficient: number;
  maximumInterval: string;
  nonRetryable: string[];
}

/** What a run workflow is started with: a reference, never the plan itself. */
export interface PlanRef {
  /** Absolute path of `<work>/.runs/<run>/plan.json`. */
  path: string;
  digest: string;
}
