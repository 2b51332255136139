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

/** One update of the weights by the mean gradient of some bags, which are added one after the other. */
export class TrainStep {
  private readonly model: Model;
  private readonly adam: Adam;
  private sum: Weights = {};
  private bags = 0;

  constructor(model: Model, adam: Adam) {
    this.model = model;
    this.adam = adam;
  }

  /**
   * @param share factor of this bag's loss
   * @returns the loss times `share`. If it is not finite, the step must not be applied.
   */
  add(bag: Bag, context: StepContext, share = 1): number {
    const { loss, gradients } = lossGradients(this.model, this.adam.weights(), bag, context);
    if (share !== 1) scale(gradients, share);
    this.bags++;
    for (const [name, gradient] of Object.entries(gradients)) {
      const before = this.sum[name] as Weights[string] | undefined;
      this.sum[name] = before === undefined ? gradient : tf.add(before, gradient);
      if (before !== undefined) tf.dispose([before, gradient]);
    }
    return loss * share;
  }

  /** A parameter on which no bag depends stays unchanged. */
  apply(learningRate: number): void {
    if (this.bags > 1) scale(this.sum, 1 / this.bags);
    this.adam.update(this.sum, learningRate);
  }

  dispose(): void {
    tf.dispose(this.sum);
    this.sum = {};
  }
}

function scale(gradients: Weights, share: number): void {
  for (const [name, gradient] of Object.entries(gradients)) {
    gradients[name] = tf.mul(gradient, share);
    gradient.dispose();
  }
}
