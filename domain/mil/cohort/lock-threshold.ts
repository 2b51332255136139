import { SamMilError } from '../../errors.js';
import type { JsonObject } from '../../json.js';
import type { Estimate } from '../../statistics/estimate.js';
import { meanThreshold, pooledThreshold, type ValidationScores } from '../combine/locked-threshold.js';
import { combineScores, type Combination } from '../combine/patient-scores.js';
import { groupByPatient } from '../combine/patients.js';

/** Scores of the validation slides of one training, as its checkpoint stores them. */
export interface StoredValidation {
  /** Class indices. */
  labels: number[];
  /** [slides][classes] */
  probabilities: number[][];
  /** Number of the patient of each slide, if the patients are known. */
  patients?: number[];
}

export interface LockedThreshold {
  /** A positive-class score of at least this is positive. null: the most probable class is called. */
  value: number | null;
  from: string;
}

export type ThresholdRule = 'pooled' | 'mean' | 'half' | number;

export interface LockOptions {
  classes: readonly string[];
  /** Undefined: `pooled` if the validation sets define it, else 0.5. */
  rule?: ThresholdRule;
  level: 'slide' | 'patient';
  combination: Combination;
}

/**
 * With fewer slides of a class, one or two scores would decide. A rule that is requested explicitly is
 * followed with any number of slides.
 */
const LEAST_PER_CLASS = 5;

/** The validation scores that a checkpoint states; undefined if it was trained without validation slides. */
export function storedValidation(training: JsonObject): StoredValidation | undefined {
  return training['validation-scores'] as unknown as StoredValidation | undefined;
}

/**
 * Chooses the threshold for another cohort from the trainings alone: nothing of that cohort enters.
 *
 * @param validations of the trainings; undefined for one without validation slides
 * @throws SamMilError InvalidInput for a rule that the trainings cannot follow
 */
export function lockThreshold(
  validations: readonly (StoredValidation | undefined)[],
  { classes, rule, level, combination }: LockOptions,
): LockedThreshold {
  if (classes.length > 2) {
    if (rule === undefined) return { value: null, from: 'the most probable class' };
    throw noThreshold(rule, `the model has ${classes.length} classes, of which the most probable is called`);
  }
  if (typeof rule === 'number') return { value: rule, from: `given: ${rule}` };
  if (rule === 'half') return { value: 0.5, from: 'fixed at 0.5' };
  const usable = validations.filter((one) => one !== undefined);
  if (usable.length < validations.length || usable.length === 0) {
    const some =
      usable.length === 0
        ? 'the checkpoints store'
        : `${validations.length - usable.length} of the checkpoints store`;
    return undefinedThreshold(rule, `${some} no validation scores`);
  }
  const unnamed = level === 'patient' && usable.some(({ patients }) => patients === undefined);
  if (unnamed) return undefinedThreshold(rule, 'the patients of the validation slides are not known');
  const scores = usable.map((one) => positiveScores(one, level, combination));
  const positives = scores.flatMap(({ labels }) => [...Array.from(labels)]);
  const count = positives.reduce((sum, label) => sum + label, 0);
  const least = Math.min(count, positives.length - count);
  const things = level === 'patient' ? 'patients' : 'slides';
  if (rule === undefined && least < LEAST_PER_CLASS)
    return undefinedThreshold(rule, `only ${least} validation ${things} of a class`);
  const estimate: Estimate = rule === 'mean' ? meanThreshold(scores) : pooledThreshold(scores);
  if (estimate.value === null) return undefinedThreshold(rule, estimate.why);
  const folds = scores.length === 1 ? '' : ` of ${scores.length} trainings`;
  const how = rule === 'mean' ? `mean of Youden's thresholds on` : 'Youden on';
  return { value: estimate.value, from: `${how} ${positives.length} validation ${things}${folds}` };
}

function undefinedThreshold(rule: ThresholdRule | undefined, why: string): LockedThreshold {
  if (rule === undefined) return { value: 0.5, from: `fixed at 0.5: ${why}` };
  throw noThreshold(rule, why);
}

function noThreshold(rule: ThresholdRule, why: string): SamMilError {
  return new SamMilError('InvalidInput', `there is no threshold for \`threshold: ${rule}\``, {
    expected: 'checkpoints of two classes that were trained with validation slides',
    found: why,
    next: 'remove `threshold`, or train with `val-ratio`',
  });
}

function positiveScores(
  { labels, probabilities, patients }: StoredValidation,
  level: 'slide' | 'patient',
  combination: Combination,
): ValidationScores {
  const scores = probabilities.map((row) => row[1]);
  if (level === 'slide') return { scores, labels };
  const grouped = groupByPatient((patients ?? []).map(String));
  return {
    scores: combineScores(scores, grouped, combination),
    labels: grouped.members.map((rows) => Math.max(...rows.map((row) => labels[row]))),
  };
}

/** Index of the called class: at the threshold with two classes, otherwise the most probable one. */
export function calledAt(probabilities: readonly number[], { value }: LockedThreshold): number {
  if (value !== null) return probabilities[1] >= value ? 1 : 0;
  return probabilities.indexOf(Math.max(...probabilities));
}
