import type { Adam } from '../../domain/mil/train-fold/adam.js';
import type { Bag } from '../../domain/mil/bags/bag.js';
import type { Model, StepContext } from '../../domain/mil/models/model.js';
import { TrainStep } from '../../domain/mil/train-fold/step.js';

/**
 * One step with one bag. If the loss is not finite, the weights stay unchanged.
 * @returns the loss before the update, times `share`
 */
export function trainStep(
  model: Model,
  adam: Adam,
  bag: Bag,
  context: StepContext,
  learningRate: number,
  share = 1,
): number {
  const step = new TrainStep(model, adam);
  const loss = step.add(bag, context, share);
  if (Number.isFinite(loss)) step.apply(learningRate);
  step.dispose();
  return loss;
}
