import type { Json } from '../../../json.js';
import type { ParamDeclaration } from './param-types.js';
import type { KnownParams } from './params.js';
import type { MatrixCell, Plan, RetryPlan } from '../plan/plan.js';
import type { Place } from '../problems/problems.js';
import type { Entry, ScalarNode, YamlNode } from './yaml-nodes.js';

/** A pipeline file after reading: typed, with the place of everything that can still turn out to be wrong. Params are known, nothing is checked against other parts yet. */
export interface PipelineDocument {
  name: string;
  description: string;
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

export function isScalarText(node: YamlNode): node is ScalarNode & { value: string } {
  return node.kind === 'scalar' && typeof node.value === 'string';
}

/** What a value is, for "expected X, found Y". */
export function describeNode(node: YamlNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a mapping';
  return describeValue(node.value);
}

export function describeValue(value: Json): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return `the text ${JSON.stringify(shortened(value))}`;
  if (typeof value === 'number') return `the number ${value}`;
  return typeof value === 'boolean' ? String(value) : 'a mapping';
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}
