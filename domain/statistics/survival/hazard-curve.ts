import type { Numbers } from '../ranking.js';
import { countUpTo } from './follow-up.js';

/**
 * Survival after each time bin from the hazards of one patient: S_k = product of (1 - h_j) over j <= k.
 * @param hazards one per bin, 0 to 1
 */
export function curveFromHazards(hazards: Numbers): Float64Array {
  const curve = new Float64Array(hazards.length);
  let survival = 1;
  for (let k = 0; k < hazards.length; k++) curve[k] = survival *= 1 - hazards[k];
  return curve;
}

/** Risk of a discrete survival curve: -(S_0 + ... + S_{K-1}), from -K to 0. Larger means an earlier event. */
export function riskOfCurve(curve: Numbers): number {
  let sum = 0;
  for (let k = 0; k < curve.length; k++) sum += curve[k];
  return -sum;
}

/**
 * A discrete survival curve at some times, as a step function: the survival after all bins whose upper edge
 * is at most t; 1 before the first edge. The last bin has no upper edge, so that its hazard does not count.
 * @param curve survival after each of K bins
 * @param edges K - 1 interior edges, ascending
 */
export function curveAt(curve: Numbers, edges: Numbers, times: Numbers): Float64Array {
  return Float64Array.from(times, (time) => {
    const passed = countUpTo(edges, time);
    return passed === 0 ? 1 : curve[passed - 1];
  });
}
