import { SamMilError } from '../../errors.js';
import { undefinedBecause, type Estimate } from '../estimate.js';
import type { Numbers } from '../ranking.js';
import { eventWeights, uncensoredAt, type CensoringCurve } from './censoring.js';
import { checkAscending, checkFollowUp, checkLength, type FollowUp } from './follow-up.js';

/**
 * Brier score of predicted survival at some times (Graf 1999): 1 / n times the sum of S(t|x)^2 / G(time) over
 * events until t and of (1 - S(t|x))^2 / G(t) over later times; patients censored until t count 0.
 *
 * @param survival predicted S(t|x): one row per patient, one number per time
 * @param curve of the censoring in the training set
 * @param times ascending
 * @returns one score per time
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function survivalBrier(
  followUp: FollowUp,
  survival: readonly Numbers[],
  curve: CensoringCurve,
  times: Numbers,
): Estimate[] {
  checkFollowUp(followUp);
  checkLength(survival, followUp.times.length, 'row of survival probabilities');
  checkAscending(times);
  checkProbabilities(survival, times.length);
  return Array.from(times, (time, k) => brierAt(followUp, (i) => survival[i][k], curve, time));
}

function brierAt(
  followUp: FollowUp,
  predicted: (patient: number) => number,
  curve: CensoringCurve,
  time: number,
): Estimate {
  const { times } = followUp;
  if (times.length === 0) return undefinedBecause('there are no patients');
  const weights = eventWeights(followUp, curve, (own) => own <= time);
  if (weights.value === null) return weights;
  let [events, later, laterCount] = [0, 0, 0];
  for (let i = 0; i < times.length; i++) {
    if (times[i] <= time) events += weights.value[i] * predicted(i) ** 2;
    else {
      later += (1 - predicted(i)) ** 2;
      laterCount++;
    }
  }
  if (laterCount === 0) return { value: events / times.length };
  const g = uncensoredAt(curve, time);
  return g.value === null ? g : { value: (events + later / g.value) / times.length };
}

function checkProbabilities(survival: readonly Numbers[], times: number): void {
  for (const [patient, row] of survival.entries()) {
    const wrong = Array.from(row).find((value) => !(value >= 0 && value <= 1));
    if (row.length === times && wrong === undefined) continue;
    throw new SamMilError('InvalidInput', `the survival curve of row ${patient} is invalid`, {
      expected: `${times} probabilities, one per time`,
      found: wrong === undefined ? `${row.length} numbers` : `${wrong}`,
    });
  }
}

/**
 * Integrated Brier score: trapezoid rule over the times, divided by their range. Undefined if a score is, or
 * for fewer than two times.
 * @param times ascending
 */
export function integratedBrier(scores: readonly Estimate[], times: Numbers): Estimate {
  if (times.length < 2) return undefinedBecause('fewer than two times');
  let area = 0;
  for (let k = 0; k < scores.length; k++) {
    const here = scores[k];
    if (here.value === null) return here;
    const width = (times[Math.min(k + 1, times.length - 1)] - times[Math.max(k - 1, 0)]) / 2;
    area += here.value * width;
  }
  const range = times[times.length - 1] - times[0];
  return range > 0 ? { value: area / range } : undefinedBecause('the times have no range');
}
