import type { KnownParams, ParamDeclaration } from './param-types.js';
import type { MatrixCell, Plan, RetryPlan } from '../plan/plan.js';
import type { Place } from '../problems/problems.js';
import type { Entry, ScalarNode, YamlNode } from './yaml-nodes.js';

/** A pipeline file after reading: typed, with the place of everything that can still turn out to be wrong. Params are known, nothing is checked against other parts yet. */
export interface PipelineDocument {
  name: string;
  description: string;
  /** Packages and modules with further activities or models, as written. */
  plugins: Named[];
  params: ParamDeclaration[];
  known: KnownParams;
  /** As written, params filled in. */
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
  condition?: Condition;
  source: SourceDocument;
  settings: Settings;
  steps: StepDocument[];
  /** Written with `uses`, without a list of steps: its one step has the stage's name. */
  single: boolean;
  outputs?: Entry[];
}

export type SourceDocument =
  | { kind: 'single' }
  /** `cells` is absent where a param without value keeps the matrix from being expanded, or where it has a mistake. */
  | { kind: 'matrix'; axes: string[]; cells?: MatrixCell[]; place: Place }
  | { kind: 'from'; form: 'foreach' | 'matrix'; stage: Named; as: string; place: Place }
  | {
      kind: 'glob' | 'dir' | 'csv' | 'list';
      value: YamlNode;
      as: string;
      keyField?: Named;
      place: Place;
    };

export interface StepDocument {
  id: string;
  place: Place;
  uses: Named;
  condition?: Condition;
  with: Entry[];
  settings: Settings;
}

/** An expression given to `if`; `source` begins at `offset` in the text of `node`. */
export interface Condition {
  source: string;
  offset: number;
  node: ScalarNode;
}

/** How to run: given by the activity, then `defaults`, the stage, the step; the last one wins, key by key. */
export interface Settings {
  queue?: string;
  timeout?: string;
  heartbeat?: string;
  retry?: Partial<RetryPlan>;
  maxParallel?: number;
  failFast?: boolean;
  minSuccess?: number;
}
