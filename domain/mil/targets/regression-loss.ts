import type { Numbers } from '../../statistics/ranking.js';
import type { Gradient } from './gradient.js';

/** A loss of d = prediction - target. */
export type RegressionLoss =
  /** d^2. */
  | { name: 'mse' }
  /** |d|, with gradient 0 at d = 0. */
  | { name: 'l1' }
  /** d^2 / 2 up to |d| = delta, then delta (|d| - delta / 2). */
  | { name: 'huber'; delta: number }
  /** Huber's loss divided by its delta: d^2 / (2 beta) up to |d| = beta, then |d| - beta / 2. */
  | { name: 'smooth-l1'; beta: number };

/**
 * Mean of a regression loss over the bags, as PyTorch's losses of the same names.
 * @param gradient of the same length as the predictions; overwritten
 * @returns the loss; 0 for an empty batch
 */
export function regressionLoss(
  predictions: Numbers,
  targets: Numbers,
  loss: RegressionLoss,
  gradient: Gradient,
): number {
  const bags = predictions.length;
  let total = 0;
  for (let bag = 0; bag < bags; bag++) {
    const difference = predictions[bag] - targets[bag];
    total += valueAt(difference, loss) / bags;
    gradient[bag] = slopeAt(difference, loss) / bags;
  }
  return total;
}

function valueAt(difference: number, loss: RegressionLoss): number {
  switch (loss.name) {
    case 'mse':
      return difference ** 2;
    case 'l1':
      return Math.abs(difference);
    case 'huber':
      return huber(difference, loss.delta);
    case 'smooth-l1':
      return huber(difference, loss.beta) / loss.beta;
  }
}

function huber(difference: number, delta: number): number {
  const size = Math.abs(difference);
  return size <= delta ? difference ** 2 / 2 : delta * (size - delta / 2);
}

function slopeAt(difference: number, loss: RegressionLoss): number {
  switch (loss.name) {
    case 'mse':
      return 2 * difference;
    case 'l1':
      return Math.sign(difference);
    case 'huber':
      return clipped(difference, loss.delta);
    case 'smooth-l1':
      return clipped(difference, loss.beta) / loss.beta;
  }
}

function clipped(value: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, value));
}
