import { undefinedBecause, type Estimate } from '../estimate.js';
import { checkFollowUp, countUpTo, riskTable, type FollowUp } from './follow-up.js';

/** Probability G(t) to be uncensored after each distinct time, ascending. */
export interface CensoringCurve {
  times: number[];
  g: number[];
}

/**
 * Kaplan-Meier curve of the censoring, for weights 1 / G. Patients with an event at a time leave the risk
 * set before those who are censored then: factor 1 - c / (n - d), as in scikit-survival and torchsurv.
 * @param training patients of the training set of the fold, never those that are scored
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function censoringCurve(training: FollowUp): CensoringCurve {
  checkFollowUp(training);
  let probability = 1;
  const rows = riskTable(training).map(({ time, atRisk, events, censored }) => {
    if (censored > 0) probability *= 1 - censored / (atRisk - events);
    return { time, probability };
  });
  return { times: rows.map((row) => row.time), g: rows.map((row) => row.probability) };
}

/**
 * G at a time, the value after it (right-continuous). Undefined where it is 0, which gives no weight, and
 * beyond the last training time.
 */
export function uncensoredAt({ times, g }: CensoringCurve, time: number): Estimate {
  const last = times.length - 1;
  if (last < 0) return undefinedBecause('there are no training patients');
  const reached = countUpTo(times, time);
  const value = reached === 0 ? 1 : g[reached - 1];
  if (value === 0) return undefinedBecause(`every training patient is censored or has the event by ${time}`);
  if (time > times[last]) {
    return undefinedBecause(`${time} is beyond the last training time, ${times[last]}`);
  }
  return { value };
}

/**
 * 1 / G(time) of each patient with an event at a time that `counts`; 0 for the others.
 * @returns undefined if a weight is, with the reason
 */
export function eventWeights(
  { times, events }: FollowUp,
  curve: CensoringCurve,
  counts: (time: number) => boolean,
): Estimate<Float64Array> {
  const weights = new Float64Array(times.length);
  for (let i = 0; i < times.length; i++) {
    if (events[i] !== 1 || !counts(times[i])) continue;
    const g = uncensoredAt(curve, times[i]);
    if (g.value === null) return g;
    weights[i] = 1 / g.value;
  }
  return { value: weights };
}
