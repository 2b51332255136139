import type { KnownParams, ParamDeclaration } from './param-types.js';
import type { MatrixCell, Plan, RetryPlan } from '../plan/plan.js';
import type { Place } from '../problems/problems.js';
import type { Entry, ScalarNode, YamlNode } from './yaml-nodes.js';

/**
 * A pipeline file after reading. It is typed and contains the place of everything that a later check may
 * report. The values of params are known; the parts are not yet checked against each other.
 */
export interface PipelineDocument {
  name: string;
  description: string;
  /** Packages and modules with additional activities or models, as written. */
  plugins: Named[];
  params: ParamDeclaration[];
  known: KnownParams;
  /** As written, with params filled in. */
  work?: string;
  onFailure: Plan['onFailure'];
  defaults: Settings;
  stages: StageDocument[];
}

export interface Named {
  name: string;
  place: Place;
}

export interface StageDocument extends Named {
  description: string;
  needs: Named[];
  /** Place of the value of `needs`. */
  needsPlace?: Place;
  /** The value of `needs` could not be read. This has been reported. */
  needsBroken?: boolean;
  condition?: Condition;
  source: SourceDocument;
  /** The `matrix` beside a `foreach`: the stage has all its items in each cell. */
  variants?: { axes: string[]; cells?: MatrixCell[]; place: Place };
  settings: Settings;
  steps: StepDocument[];
  /** The stage has `uses` instead of a list of steps: its only step has the name of the stage. */
  single: boolean;
  outputs?: Entry[];
}

export type SourceDocument =
  | { kind: 'single' }
  /** `cells` is absent if the matrix has a mistake or depends on a param without a value. */
  | { kind: 'matrix'; axes: string[]; cells?: MatrixCell[]; place: Place }
  | { kind: 'from'; form: 'foreach' | 'matrix'; stage: Named; as: string; place: Place }
  | {
      kind: 'glob' | 'dir' | 'csv' | 'list';
      value: YamlNode;
      as: string;
      keyField?: Named;
      /** A table of items that are left out. */
      exclude?: YamlNode;
      place: Place;
      /** The source could not be read. This has been reported, so references to its items are not checked. */
      broken?: boolean;
    };

export interface StepDocument {
  id: string;
  place: Place;
  uses: Named;
  condition?: Condition;
  with: Entry[];
  /** `with` could not be read. This has been reported. */
  withBroken?: boolean;
  settings: Settings;
}

/** The expression of an `if`. `source` begins at `offset` in the text of `node`. */
export interface Condition {
  source: string;
  offset: number;
  node: ScalarNode;
}

/**
 * How to run. Settings come from the activity, `defaults`, the stage and the step; for each key, the last one
 * wins.
 */
export interface Settings {
  queue?: string;
  timeout?: string;
  heartbeat?: string;
  stall?: string;
  retry?: Partial<RetryPlan>;
  maxParallel?: number;
  failFast?: boolean;
  minSuccess?: number;
}
