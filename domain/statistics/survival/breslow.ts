import { ascendingOrder, type Numbers } from '../ranking.js';
import { checkRisks, countUpTo, type FollowUp } from './follow-up.js';

/** Baseline cumulative hazard of a Cox model after each distinct training time, ascending. */
export interface BaselineHazard {
  times: number[];
  cumulative: number[];
}

/**
 * Breslow's (1972) estimate: H0(t) = sum over event times <= t of d / (sum of e^z over the patients at risk).
 * @param logHazards the model's outputs z for the training patients
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function breslowBaseline(training: FollowUp, logHazards: Numbers): BaselineHazard {
  checkRisks(training, logHazards);
  const { times, events } = training;
  const order = ascendingOrder(times);
  const steps: { time: number; hazard: number }[] = [];
  let [largest, scaled] = [-Infinity, 0];
  // From the latest time, so that the risk set grows; the sum is kept in units of its largest term.
  for (let end = order.length; end > 0;) {
    const time = times[order[end - 1]];
    let deaths = 0;
    for (; end > 0 && times[order[end - 1]] === time; end--) {
      const i = order[end - 1];
      const shift = Math.max(largest, logHazards[i]);
      scaled = scaled * Math.exp(largest - shift) + Math.exp(logHazards[i] - shift);
      largest = shift;
      deaths += events[i];
    }
    steps.push({ time, hazard: (deaths / scaled) * Math.exp(-largest) });
  }
  steps.reverse();
  let sum = 0;
  return { times: steps.map(({ time }) => time), cumulative: steps.map(({ hazard }) => (sum += hazard)) };
}

/**
 * Survival of one patient at some times: exp(-H0(t) e^z); 1 before the first training time. After the last
 * one, H0 stays constant.
 */
export function coxSurvival(baseline: BaselineHazard, logHazard: number, times: Numbers): Float64Array {
  return Float64Array.from(times, (time) => {
    const reached = countUpTo(baseline.times, time);
    if (reached === 0) return 1;
    // The sum of logarithms cannot be 0 x infinity.
    return Math.exp(-Math.exp(Math.log(baseline.cumulative[reached - 1]) + logHazard));
  });
}
