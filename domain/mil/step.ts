import type { Adam } from './adam.js';
import { tf, type Scalar } from './backend.js';
import type { Bag, Model, StepContext } from './model.js';
import type { Weights } from './parameters.js';

export interface Gradients {
  loss: number;
  /** By parameter; missing where the loss does not depend on it. The caller disposes them. */
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
  return { loss: value, gradients };
}

/** Gradients of `f` by the named weights; names it does not depend on are left out. */
export function differentiate(
  f: () => Scalar,
  names: readonly string[],
  weights: Weights,
): { loss: Scalar; gradients: Weights } {
  // `tf.grads` would refuse weights that the loss does not reach; the engine below it does not.
  const { value, grads } = tf.engine().gradients(
    f,
    names.map((name) => weights[name]),
    undefined,
    true,
  );
  const reached = names.flatMap((name, i) => (grads[i] ? [[name, grads[i]] as const] : []));
  return { loss: value, gradients: Object.fromEntries(reached) };
}

/**
 * One step: loss, gradients, update. When the loss is not finite the weights stay as they were.
 * @returns the loss before the update
 */
export function trainStep(
  model: Model,
  adam: Adam,
  bag: Bag,
  context: StepContext,
  learningRate: number,
): number {
  const { loss, gradients } = lossGradients(model, adam.weights(), bag, context);
  if (Number.isFinite(loss)) adam.update(gradients, learningRate);
  tf.dispose(gradients);
  return loss;
}
