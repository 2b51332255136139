import { classifier, stepDropout } from './abmil.js';
import { matrix, vector } from './attention.js';
import { tf, type Tensor2D } from '../compute/backend.js';
import { dense, dropout } from '../compute/layers.js';
import type { SimlpOptions } from './model-options.js';
import type { Model, ModelConfig, StepContext } from './model.js';
import { linearSpec, type ParameterSpec, type Weights } from '../compute/parameters.js';

/** A linear layer on the mean feature vector of the bag. See {@link meanModel}. */
export function buildLinear(config: ModelConfig): Model {
  return meanModel(config, {
    parameters: linearSpec('cls', config.dim, config.outputs),
    logits: classifier,
  });
}

/**
 * SiMLP (2025): a perceptron with one hidden layer on the mean feature vector of the bag, logits = W2
 * dropout(φ(W1 x + b1)) + b2. φ is ReLU or the exact GELU, z Φ(z). Its paper states neither the hidden width,
 * here `embed-dim`, nor a dropout. See {@link meanModel}.
 */
export function buildSimlp(config: ModelConfig<SimlpOptions>): Model {
  const { dim, embedDim, outputs, options } = config;
  return meanModel(config, {
    parameters: [...linearSpec('hidden', dim, embedDim), ...linearSpec('cls', embedDim, outputs)],
    logits(weights, x, context) {
      const gelu = options.hiddenActivation === 'gelu';
      const [w, b] = [matrix(weights, 'hidden.w'), vector(weights, 'hidden.b')];
      const hidden = gelu ? exactGelu(dense(x, w, b)) : dense(x, w, b, 'relu');
      return classifier(weights, dropout(hidden, stepDropout(config, context)));
    },
  });
}

interface Network {
  parameters: ParameterSpec[];
  /** Feature vectors [r, dim] -> logits [r, outputs]. */
  logits(weights: Weights, x: Tensor2D, context?: StepContext): Tensor2D;
}

/**
 * A network on the mean of the raw feature vectors, without an embedding of the instances. `attention` is 1/n
 * for every instance. The logits of an instance are those of a bag that holds only this instance.
 */
function meanModel({ outputs }: ModelConfig<unknown>, network: Network): Model {
  const mean = (x: Tensor2D) => tf.mean<Tensor2D>(x, 0, true);
  return {
    parameters: network.parameters,
    loss: (weights, bag, context) => context.bagLoss(network.logits(weights, mean(bag.x), context)),
    infer: (weights, bag) => ({
      logits: tf.reshape(network.logits(weights, mean(bag.x)), [outputs]),
      attention: tf.fill([bag.rows], 1 / bag.rows),
      instanceLogits: network.logits(weights, bag.x),
    }),
  };
}

/** z Φ(z) with the normal distribution Φ, not its approximation by tanh. */
function exactGelu(z: Tensor2D): Tensor2D {
  return tf.mul(tf.mul(z, 0.5), tf.add(tf.erf(tf.mul(z, Math.SQRT1_2)), 1));
}
