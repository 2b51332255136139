import { classifier, embedBag } from './abmil.js';
import { matrix, vector } from './attention.js';
import { tf, type Tensor2D } from '../compute/backend.js';
import { gatherRows } from '../compute/layers.js';
import type { Model, ModelConfig } from './model.js';
import { linearSpec, type Weights } from '../compute/parameters.js';

/**
 * Mean pooling of instance logits: z_n = classifier(dropout(relu(embedding of x_n))), logits = mean of z_n.
 * The classifier is linear, so the mean is computed first. `attention` is 1/n for every instance.
 */
export function buildMean(config: ModelConfig): Model {
  return pooling(config, {
    logits: (weights, h) => classifier(weights, tf.mean<Tensor2D>(h, 0, true)),
    attention: (_, [n]) => tf.fill([n], 1 / n),
  });
}

/**
 * Max pooling of instance logits, class by class. `attention` is shared among the instances with the maxima.
 */
export function buildMax(config: ModelConfig): Model {
  return pooling(config, {
    logits: (weights, h) => maxLogits(weights, h).logits,
    attention: (weights, [n], h) => {
      const shares = new Float32Array(n);
      for (const row of maxLogits(weights, h).winners) shares[row] += 1 / config.outputs;
      return tf.tensor1d(shares);
    },
  });
}

interface Pool {
  logits(weights: Weights, h: Tensor2D): Tensor2D;
  attention(weights: Weights, shape: [number, number], h: Tensor2D): ReturnType<typeof tf.fill>;
}

function pooling(config: ModelConfig, pool: Pool): Model {
  const { dim, embedDim, outputs } = config;
  return {
    parameters: [...linearSpec('embed', dim, embedDim), ...linearSpec('cls', embedDim, outputs)],
    loss(weights, bag, context) {
      return context.bagLoss(pool.logits(weights, embedBag(weights, bag, config, context)));
    },
    infer(weights, bag) {
      const h = embedBag(weights, bag, config);
      return {
        logits: tf.reshape(pool.logits(weights, h), [outputs]),
        attention: tf.reshape(pool.attention(weights, h.shape, h), [bag.rows]),
        instanceLogits: classifier(weights, h),
      };
    },
  };
}

/**
 * The maximum logits [1, outputs], and the instance of each. Only those instances have a gradient, so only
 * they are scored differentiably.
 */
function maxLogits(weights: Weights, h: Tensor2D): { logits: Tensor2D; winners: Int32Array } {
  const winners = largestRows(classifier(weights, h));
  const rows = gatherRows(h, winners); // [classes, embed]
  const scores = tf.sum(tf.mul(rows, matrix(weights, 'cls.w')), 1);
  const bias = vector(weights, 'cls.b');
  return { logits: tf.reshape(tf.add(scores, bias ?? 0), [1, winners.length]), winners };
}

/** Row of the largest value of each column. Ties go to the first row. */
export function largestRows(values: Tensor2D): Int32Array {
  const [rows, columns] = values.shape;
  const data = values.dataSync();
  const best = new Int32Array(columns);
  for (let row = 1; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (data[row * columns + column] > data[best[column] * columns + column]) best[column] = row;
    }
  }
  return best;
}
