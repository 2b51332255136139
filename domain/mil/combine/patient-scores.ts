import { SamMilError } from '../../errors.js';
import type { Numbers } from '../../statistics/ranking.js';
import type { Patients } from './patients.js';

/**
 * How the scores of a patient's slides become one: `noisy-or` is 1 - product of (1 - p), the probability that
 * any slide is positive if slides are independent.
 */
export type Combination = 'mean' | 'max' | 'noisy-or';

/**
 * Combines one score per slide: the probability of the positive class, a risk (mean or max) or a predicted
 * value (mean).
 * @returns one score per patient
 * @throws SamMilError InvalidInput if noisy-or meets a score that is not a probability
 */
export function combineScores(scores: Numbers, { members }: Patients, by: Combination): Float64Array {
  return Float64Array.from(members, (rows) =>
    combine(
      rows.map((row) => scores[row]),
      by,
    ),
  );
}

/**
 * Combines one row of class probabilities per slide. Of two classes, the second is combined and the first is
 * the rest. Of more, each class is combined, then divided by the sum of the row for max and noisy-or.
 * @returns one row per patient, summing to 1 if the rows of the slides do
 * @throws SamMilError InvalidInput
 */
export function combineProbabilities(
  rows: readonly Numbers[],
  { members }: Patients,
  by: Combination,
): Float64Array[] {
  return members.map((own) => {
    const classes = rows[own[0]].length;
    const of = (k: number) =>
      combine(
        own.map((row) => rows[row][k]),
        by,
      );
    if (classes === 2) {
      const positive = of(1);
      return Float64Array.of(1 - positive, positive);
    }
    const raw = Float64Array.from({ length: classes }, (_, k) => of(k));
    if (by === 'mean') return raw;
    const sum = raw.reduce((total, value) => total + value, 0);
    return raw.map((value) => value / sum);
  });
}

function combine(scores: readonly number[], by: Combination): number {
  if (by === 'mean') return scores.reduce((sum, score) => sum + score, 0) / scores.length;
  if (by === 'max') return Math.max(...scores);
  const wrong = scores.find((score) => !(score >= 0 && score <= 1));
  if (wrong !== undefined) {
    throw new SamMilError('InvalidInput', 'noisy-or combines probabilities only', {
      expected: '0 to 1',
      found: `${wrong}`,
      next: 'combine risks by mean or max, and predicted values by mean',
    });
  }
  return 1 - scores.reduce((product, score) => product * (1 - score), 1);
}
