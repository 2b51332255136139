import type { Json, JsonObject } from '../../../json.js';

/**
 * A pipeline file after parsing, checking and expanding: the input of the workflows. It is pure data.
 * Workflows import this file, so it uses no Node built-ins. Strings may still contain `${{ }}` expressions
 * that read item, steps, matrix and needs; params are already substituted.
 */
export interface Plan {
  /** Version of this structure. An engine rejects a plan of a newer version. */
  plan: 1;
  name: string;
  description: string;
  /** Absolute path and digest of the pipeline file. */
  source: { path: string; digest: string };
  /** Absolute folder of the pipeline file. Relative paths of the pipeline are resolved against it. */
  base: string;
  /** Absolute work folder. */
  work: string;
  params: JsonObject;
  /**
   * External plugins in the order in which they are loaded: packages by name, modules by absolute path.
   * Absent if there are none.
   */
  plugins?: string[];
  onFailure: 'hold' | 'fail' | 'continue';
  /** Ordered so that every stage comes after the stages it needs. */
  stages: StagePlan[];
}

export interface StagePlan {
  name: string;
  /** The stage of the file, if it has items in each cell of a matrix and this is one of the cells. */
  of?: string;
  needs: string[];
  /**
   * Set by a selection (`--only`, `--from`): the stage's results must already exist. An item without valid
   * receipts fails instead of running; the error advises a run without the selection.
   */
  reuse?: boolean;
  /**
   * Expression source without `${{ }}`, evaluated after the needed stages have ended. Default: `success()`.
   */
  if?: string;
  source: ItemSource;
  maxParallel: number;
  failFast: boolean;
  /** Fraction of items, 0 to 1, that must succeed for the stage to succeed. Default 1. */
  minSuccess: number;
  steps: StepPlan[];
  /** Declared outputs of each item. Default: the outputs of the last step. */
  outputs?: Record<string, Json>;
}

export type ItemSource =
  /** One item. Its key is the stage's name. */
  | { kind: 'single' }
  /** Matrix cells, expanded by the planner. */
  | { kind: 'matrix'; cells: MatrixCell[] }
  /**
   * A list that an activity creates when the stage starts. `value` may contain expressions that read `needs`.
   * `as` is the name of the item in expressions, `keyField` the field that contains its key, `exclude` a
   * table of items that are left out, each with the reason.
   */
  | { kind: 'glob' | 'dir' | 'csv'; value: string; as: string; keyField?: string; exclude?: string }
  | { kind: 'list'; value: Json; as: string; keyField?: string; exclude?: string }
  /**
   * The items of an earlier stage, each with its outputs there in `needs.<stage>.outputs`. Where possible, an
   * item starts as soon as the same item of the earlier stage ends.
   */
  | { kind: 'from'; stage: string; as: string };

export interface MatrixCell {
  /** Values joined by `-`: `sam-mil-0-2`. */
  key: string;
  values: JsonObject;
}

export interface StepPlan {
  id: string;
  /** Activity name, and the activity's version at planning time. */
  uses: string;
  version: number;
  if?: string;
  with: JsonObject;
  queue: string;
  /** Durations such as `2h`, see duration.ts. */
  timeout: string;
  heartbeat: string;
  /** A duration or `off`. Absent: off. */
  stall?: string;
  retry: RetryPlan;
}

export interface RetryPlan {
  maxAttempts: number;
  initialInterval: string;
  backoffCoefficient: number;
  maximumInterval: string;
  nonRetryable: string[];
}

/** The input of a run workflow: a reference to the plan, never the plan itself. */
export interface PlanRef {
  /** Absolute path of `<work>/.runs/<run>/plan.json`. */
  path: string;
  digest: string;
}
