import type { Bag } from '../../domain/mil/bags/bag.js';
import { tf } from '../../domain/mil/compute/backend.js';
import type { Weights } from '../../domain/mil/compute/parameters.js';
import type { Model, StepContext } from '../../domain/mil/models/model.js';
import { CoxWindow } from '../../domain/mil/targets/cox-window.js';
import { separateLoss, type BagLoss, type HeadLoss } from '../../domain/mil/targets/head.js';
import type { Outcome, Target } from '../../domain/mil/targets/target.js';
import type { Adam } from '../../domain/mil/train-fold/adam.js';
import { TrainStep } from '../../domain/mil/train-fold/step.js';

export interface WindowBag {
  bag: Bag;
  outcome: Outcome;
  /** What the bag's steps see besides its loss. */
  around: Omit<StepContext, keyof BagLoss>;
}

export interface Head {
  target: Target;
  loss: HeadLoss;
}

/** The losses of the bags of a window; undefined if they have nothing to learn. */
export function windowLosses(
  model: Model,
  weights: Weights,
  bags: readonly WindowBag[],
  { target, loss }: Head,
): BagLoss[] | undefined {
  if (loss.name !== 'cox') return bags.map(({ outcome }) => separateLoss(outcome, target, loss));
  const window = new CoxWindow(loss.ties);
  for (const { bag, outcome, around } of bags) {
    tf.tidy(() => void model.loss(weights, bag, { ...around, ...window.record(outcome) }));
  }
  return window.losses();
}

/** One update by a window of bags. Returns the mean loss, 0 for a skipped window. */
export function trainWindow(
  model: Model,
  adam: Adam,
  bags: readonly WindowBag[],
  head: Head,
  rate: number,
): number {
  const losses = windowLosses(model, adam.weights(), bags, head);
  if (losses === undefined) return 0;
  const step = new TrainStep(model, adam);
  const sum = bags.reduce(
    (total, { bag, around }, i) => total + step.add(bag, { ...around, ...losses[i] }),
    0,
  );
  step.apply(rate);
  step.dispose();
  return sum / bags.length;
}
