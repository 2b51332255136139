import { SamMilError } from '../../errors.js';
import type { Adam } from './adam.js';
import { tf } from '../compute/backend.js';
import { differentiate } from '../compute/differentiate.js';
import type { Model, StepContext } from '../models/model.js';
import type { Bag } from '../bags/bag.js';
import type { Weights } from '../compute/parameters.js';

export interface Gradients {
  loss: number;
  /** By parameter. Missing where the loss does not depend on it. The caller disposes them. */
  gradients: Weights;
}

/** Value and gradients of a model's loss for one bag. */
export function lossGradients(model: Model, weights: Weights, bag: Bag, context: StepContext): Gradients {
  const { loss, gradients } =
    model.gradients?.(weights, bag, context) ??
    differentiate(
      () => model.loss(weights, bag, context),
      model.parameters.map(({ name }) => name),
      weights,
    );
  const value = loss.dataSync()[0];
  loss.dispose();
  if (Object.keys(gradients).length === 0) {
    throw new SamMilError(
      'ContractBroken',
      'the loss does not depend on any weight, so nothing would be trained',
    );
  }
  return { loss: value, gradients };
}

/**
 * One step: loss, gradients, update. If the loss is not finite, the weights stay unchanged.
 *
 * @param share factor of this bag's loss
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
  const { loss, gradients } = lossGradients(model, adam.weights(), bag, context);
  if (share !== 1) scale(gradients, share);
  if (Number.isFinite(loss)) adam.update(gradients, learningRate);
  tf.dispose(gradients);
  return loss * share;
}

function scale(gradients: Weights, share: number): void {
  for (const [name, gradient] of Object.entries(gradients)) {
    gradients[name] = tf.mul(gradient, share);
    gradient.dispose();
  }
}
