import type { Numbers } from '../../statistics/ranking.js';
import type { Gradient } from './gradient.js';

/** What is known of the bags of a batch. */
export interface HazardTargets {
  /** Bin of the time of each bag, 0 to K - 1. */
  bins: Numbers;
  /** 1: censored in the bin; 0: the event happened in it. */
  censored: Numbers;
}

/** A probability below this counts as this, and passes no gradient. */
const EPSILON = 1e-7;
const LOG_EPSILON = Math.log(EPSILON);

/**
 * Discrete-time hazard likelihood (Zadeh and Schmid 2020, as in MCAT and PORPOISE). h_k = sigmoid(z_k), S_k =
 * product of (1 - h_j) over j <= k, S_-1 = 1. Event in bin y: -log max(S_{y-1}, e) - log max(h_y, e).
 * Censored in bin y: -(1 - alpha) log max(S_y, e). e = 1e-7. Mean over the bags.
 *
 * Logarithms of sigmoids replace 1 - h, which loses its digits in single precision from z = 8 on; they stop
 * at log e with gradient 0, as the clamp does.
 *
 * @param logits one row of K numbers per bag
 * @param alpha 0 to 1: how much less censored bags count
 * @param gradient of the same length as the logits; overwritten
 * @returns the loss; 0 for an empty batch
 */
export function hazardLoss(
  logits: Numbers,
  { bins, censored }: HazardTargets,
  alpha: number,
  gradient: Gradient,
): number {
  const bags = bins.length;
  const width = logits.length / bags;
  gradient.fill(0);
  let total = 0;
  for (let bag = 0; bag < bags; bag++) {
    const [start, end] = [bag * width, bag * width + bins[bag]];
    if (censored[bag] === 1) {
      total += survivalTerm(logits, start, end + 1, (1 - alpha) / bags, gradient);
    } else {
      total += survivalTerm(logits, start, end, 1 / bags, gradient);
      const logHazard = logSigmoid(logits[end]);
      total += -Math.max(logHazard, LOG_EPSILON) / bags;
      if (logHazard >= LOG_EPSILON) gradient[end] = -sigmoid(-logits[end]) / bags;
    }
  }
  return total;
}

/** -share x log max(S, e) over the bins from `start` to before `end`; its gradient by z_k is share x h_k. */
function survivalTerm(
  logits: Numbers,
  start: number,
  end: number,
  share: number,
  gradient: Gradient,
): number {
  let logSurvival = 0;
  for (let at = start; at < end; at++) logSurvival += logSigmoid(-logits[at]);
  if (logSurvival < LOG_EPSILON) return -share * LOG_EPSILON;
  for (let at = start; at < end; at++) gradient[at] = share * sigmoid(logits[at]);
  return -share * logSurvival;
}

/** Hazards of one bag: sigmoid of each logit. */
export function hazardsOf(logits: Numbers): Float64Array {
  return Float64Array.from(logits, sigmoid);
}

/**
 * Survival after each bin of one bag, S_k = product of sigmoid(-z_j) over j <= k, without the loss of digits
 * of 1 - sigmoid(z).
 */
export function curveFromLogits(logits: Numbers): Float64Array {
  const curve = new Float64Array(logits.length);
  let survival = 1;
  for (let k = 0; k < logits.length; k++) curve[k] = survival *= sigmoid(-logits[k]);
  return curve;
}

function sigmoid(z: number): number {
  return 1 / (1 + Math.exp(-z));
}

/** log sigmoid(z), precise on both sides. */
function logSigmoid(z: number): number {
  return Math.min(z, 0) - Math.log1p(Math.exp(-Math.abs(z)));
}
