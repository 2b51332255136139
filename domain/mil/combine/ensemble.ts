import { SamMilError } from '../../errors.js';
import type { Numbers } from '../../statistics/ranking.js';
import { softmax } from '../compute/host-math.js';

/** Where the log hazards of one Cox fold lie on its training patients. */
export interface LogHazardScale {
  mean: number;
  /** Population deviation. */
  deviation: number;
}

/**
 * Mean over the folds of what they predict for one bag: class probabilities, a survival curve (the mean of
 * the curves has the mean of the risks) or values.
 * @param folds one row per fold, all of the same length
 * @throws SamMilError InvalidInput (no fold), CountMismatch
 */
export function meanOfFolds(folds: readonly Numbers[]): Float64Array {
  if (folds.length === 0) throw new SamMilError('InvalidInput', 'an ensemble requires at least one fold');
  const mean = new Float64Array(folds[0].length);
  for (const row of folds) {
    if (row.length !== mean.length) {
      throw new SamMilError('CountMismatch', 'the folds of an ensemble predict different numbers of values', {
        expected: `${mean.length}, as the first fold`,
        found: `${row.length}`,
      });
    }
    for (let k = 0; k < mean.length; k++) mean[k] += row[k];
  }
  return mean.map((sum) => sum / folds.length);
}

/**
 * Class probabilities of one bag from the mean of the folds' logits. It decides differently from the mean of
 * probabilities where folds differ in sharpness.
 * @throws SamMilError as {@link meanOfFolds}
 */
export function softmaxOfMeanLogits(folds: readonly Numbers[]): Float64Array {
  return softmax(meanOfFolds(folds));
}

/** Class probabilities of one bag: softmax of each fold's logits, then their mean. */
export function meanOfSoftmax(folds: readonly Numbers[]): Float64Array {
  return meanOfFolds(folds.map(softmax));
}

/** Population deviation over the folds of one prediction; 0 for one fold. */
export function spreadOfFolds(values: Numbers): number {
  return scaleOf(values).deviation;
}

/** Mean and population deviation, for the log hazards of a fold's training patients. */
export function scaleOf(values: Numbers): LogHazardScale {
  const own = Float64Array.from(values);
  const mean = own.reduce((sum, value) => sum + value, 0) / own.length;
  const squares = own.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / own.length) };
}

/**
 * Risk of one bag from several Cox models. Their log hazards have no common scale, so each is standardized by
 * its own training patients before the mean; else the widest fold decides.
 * @param logHazards one per fold
 * @param scales of {@link scaleOf}, one per fold
 * @throws SamMilError InvalidInput if a fold gave all its training patients the same log hazard
 */
export function meanOfStandardized(logHazards: Numbers, scales: readonly LogHazardScale[]): number {
  const standardized = scales.map(({ mean, deviation }, fold) => {
    if (deviation > 0) return [(logHazards[fold] - mean) / deviation];
    throw new SamMilError('InvalidInput', `fold ${fold} cannot be part of an ensemble of Cox models`, {
      expected: 'log hazards that differ between its training patients',
      found: `all are ${mean}`,
    });
  });
  return meanOfFolds(standardized)[0];
}
