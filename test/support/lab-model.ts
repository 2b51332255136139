import { classifier, embedBag } from '../../domain/mil/models/abmil.js';
import { tf, type Tensor2D } from '../../domain/mil/compute/backend.js';
import type { Model, ModelConfig, StepContext } from '../../domain/mil/models/model.js';
import type { Bag } from '../../domain/mil/bags/bag.js';
import { linearSpec, type Weights } from '../../domain/mil/compute/parameters.js';

/**
 * h = embedding; weight of an instance: |h| to a power, over the sum of all; logits = classifier(weighted
 * mean of h).
 */
export function build(config: ModelConfig): Model {
  const { dim, embedDim, outputs, options } = config;
  const forward = (weights: Weights, bag: Bag, context?: StepContext) => {
    const h = embedBag(weights, bag, config, context);
    const lengths = tf.sqrt(tf.add(tf.sum(tf.square(h), 1, true), 1e-6));
    const powers = tf.pow(lengths, Number(options.power));
    const shares = tf.div<Tensor2D>(powers, tf.sum(powers));
    return { h, shares, logits: classifier(weights, tf.sum<Tensor2D>(tf.mul(shares, h), 0, true)) };
  };
  return {
    parameters: [...linearSpec('embed', dim, embedDim), ...linearSpec('cls', embedDim, outputs)],
    loss: (weights, bag, context) => context.bagLoss(forward(weights, bag, context).logits),
    infer(weights, bag) {
      const { h, shares, logits } = forward(weights, bag);
      return {
        logits: tf.reshape(logits, [outputs]),
        attention: tf.reshape(shares, [bag.rows]),
        instanceLogits: classifier(weights, h),
      };
    },
  };
}
