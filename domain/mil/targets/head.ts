import type { Scalar, Tensor2D } from '../compute/backend.js';
import { hostLoss } from '../compute/layers.js';
import { weightedCrossEntropy, type RowLoss } from '../compute/instance-loss.js';
import { hazardLoss } from './hazard-loss.js';
import { regressionLoss, type RegressionLoss } from './regression-loss.js';
import { binOf } from './time-bins.js';
import type { Outcome, Target } from './target.js';

/** The loss that trains a head. */
export type HeadLoss =
  | { name: 'cross-entropy' }
  /** `alpha`, 0 to 1: how much less censored bags count. */
  | { name: 'hazard'; alpha: number }
  /** Over the bags of a window; see `cox-window.ts`. */
  | { name: 'cox'; ties: 'efron' | 'breslow' }
  | RegressionLoss;

/** A loss of one bag. That of Cox needs other bags too. */
export type SeparateLoss = Exclude<HeadLoss, { name: 'cox' }>;

/** What is known of a bag, and the loss of predictions for it. */
export interface BagLoss {
  /** The class, follow-up or value of the bag. Most models need only `bagLoss`. */
  outcome: Outcome;
  /**
   * Loss of the bag under the head that is trained. Each row of `logits` [r, outputs] is one prediction of
   * the bag, as of a pseudo-bag; the losses of the rows are summed with these weights.
   * @param weights one per row. Default: 1 for the only row
   */
  bagLoss: (logits: Tensor2D, weights?: readonly number[]) => Scalar;
}

/** The loss of a bag whose loss does not depend on other bags. */
export function separateLoss(outcome: Outcome, target: Target, loss: SeparateLoss): BagLoss {
  return {
    outcome,
    bagLoss: (logits, weights = [1]) =>
      hostLoss(logits, (values) => rowLoss(values, outcome, target, loss, weights)),
  };
}

/** Cross-entropy of a bag with this class index. */
export function classLoss(label: number): BagLoss {
  const target: Target = { endpoint: 'classification', classes: [] };
  return separateLoss({ endpoint: 'classification', label }, target, { name: 'cross-entropy' });
}

/**
 * Sum over the rows of weight x loss of a bag whose loss does not depend on other bags.
 * @param logits row-major, [weights.length, outputs]
 */
export function rowLoss(
  logits: Float32Array,
  outcome: Outcome,
  target: Target,
  loss: SeparateLoss,
  weights: readonly number[],
): RowLoss {
  const rows = weights.length;
  if (outcome.endpoint === 'classification') {
    return weightedCrossEntropy(
      logits,
      new Array<number>(rows).fill(outcome.label),
      logits.length / rows,
      weights,
    );
  }
  const width = logits.length / rows;
  const gradient = new Float32Array(logits.length);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const own = logits.subarray(row * width, (row + 1) * width);
    const slopes = gradient.subarray(row * width, (row + 1) * width);
    total += weights[row] * lossOf(own, outcome, target, loss, slopes);
    for (let k = 0; k < width; k++) slopes[k] *= weights[row];
  }
  return { loss: total, gradient };
}

function lossOf(
  logits: Float32Array,
  outcome: Exclude<Outcome, { endpoint: 'classification' }>,
  target: Target,
  loss: SeparateLoss,
  gradient: Float32Array,
): number {
  if (outcome.endpoint === 'survival' && loss.name === 'hazard' && 'edges' in target) {
    const known = { bins: [binOf(outcome.time, target.edges)], censored: [1 - outcome.event] };
    return hazardLoss(logits, known, loss.alpha, gradient);
  }
  if (outcome.endpoint === 'regression' && loss.name !== 'hazard' && loss.name !== 'cross-entropy') {
    return regressionLoss(logits, [outcome.value], loss, gradient);
  }
  throw new Error(`loss ${loss.name} cannot train ${outcome.endpoint}`);
}
