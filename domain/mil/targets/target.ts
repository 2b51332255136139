/** What a study predicts for a slide or a patient. */
export type Endpoint = 'classification' | 'survival' | 'regression';

export const ENDPOINTS: readonly Endpoint[] = ['classification', 'survival', 'regression'];

export interface ClassificationTarget {
  endpoint: 'classification';
  /** Names in index order. Of two, the last is the positive one. */
  classes: string[];
}

/** Discrete time: output k is the logit of the hazard in bin k. */
export interface HazardTarget {
  endpoint: 'survival';
  head: 'hazard';
  /** Name of the column of times, such as `os_months`, whose unit all times have. */
  time: string;
  /** Interior edges of the time bins, ascending: one fewer than bins. */
  edges: number[];
}

/** Proportional hazards: the output is the logarithm of the hazard ratio. */
export interface CoxTarget {
  endpoint: 'survival';
  head: 'cox';
  /** Name of the column of times. */
  time: string;
}

export type SurvivalTarget = HazardTarget | CoxTarget;

export interface RegressionTarget {
  endpoint: 'regression';
  /** Name of the column of values. */
  value: string;
}

/** What the outputs of a model mean. Stored in the checkpoint. */
export type Target = ClassificationTarget | SurvivalTarget | RegressionTarget;

/** What is known of a bag: its class, the follow-up of its patient, or its value. */
export type Outcome =
  /** Class index. */
  | { endpoint: 'classification'; label: number }
  /** Time from 0 to the event (1) or to the end of the observation (0), in any one unit. */
  | { endpoint: 'survival'; time: number; event: 0 | 1 }
  | { endpoint: 'regression'; value: number };

/** Length of the model's output vector. */
export function outputsOf(target: Target): number {
  if (target.endpoint === 'classification') return target.classes.length;
  return target.endpoint === 'survival' && target.head === 'hazard' ? target.edges.length + 1 : 1;
}

/** Class index of a bag of a classification. */
export function labelOf(outcome: Outcome): number {
  if (outcome.endpoint === 'classification') return outcome.label;
  throw new Error(`a bag of ${outcome.endpoint} has no class`);
}

/** Class names; none for survival and regression. */
export function classesOf(target: Target): string[] {
  return target.endpoint === 'classification' ? target.classes : [];
}
