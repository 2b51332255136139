import { classifier } from './abmil.js';
import type { Aggregator } from './aggregator.js';
import { scoresAndDetached } from './attention.js';
import { kernels, tf, type Rank, type Scalar, type Tensor2D } from '../compute/backend.js';
import { gatherRows, product, softmax } from '../compute/layers.js';
import type { StepContext } from './model.js';
import type { Weights } from '../compute/parameters.js';
import { withinBags, type PseudoBags } from './pseudo-bags.js';

/** Which rows of an embedded bag each sub-bag holds. */
export interface Draw {
  /** 1 for rows of the masked bag. Absent if there is no masked bag. */
  keep?: Uint8Array;
  groups: PseudoBags;
}

/** Several sub-bags of one embedded bag, all with the bag's label. */
export interface SubBags {
  /** Sum of weight x classification loss: of the masked bag, if there is one, then of each pseudo-bag. */
  loss(weights: readonly number[]): Scalar;
  /**
   * Attention over the whole bag, [1, n], with a gradient for the aggregator's weights but not for the
   * embedding.
   */
  attention(): Tensor2D;
}

/**
 * The sub-bags under AB-MIL's ReLU attention. A score depends only on its own row, so the bag is scored once,
 * and each sub-bag is a softmax of the same scores over its rows. All sub-bags together cost two thin matrix
 * products.
 */
export function attentionSubBags(
  weights: Weights,
  h: Tensor2D,
  { keep, groups }: Draw,
  context: StepContext,
): SubBags {
  const masks = keep === undefined ? withinBags(groups) : tf.concat([maskRow(keep), withinBags(groups)]);
  const subBags = masks.shape[0];
  const scores = scoresAndDetached(h, weights, 'relu'); // [2, n]
  // The last row is the whole bag, with the scores that pass no gradient to h.
  const spread = tf.gather(scores, [...new Array<number>(subBags).fill(0), 1]);
  const excluded = tf.concat([masks, tf.zeros<Rank.R2>([1, h.shape[0]])]);
  const rows = softmax(tf.add<Tensor2D>(spread, excluded));
  const [pooling, attention] = tf.split<Tensor2D>(rows, [subBags, 1]);
  const logits = classifier(weights, product(pooling, h)); // [sub-bags, outputs]
  return {
    attention: () => attention,
    loss: (shares) => context.bagLoss(logits, shares),
  };
}

function maskRow(keep: Uint8Array): Tensor2D {
  const values = Float32Array.from(keep, (kept) => (kept === 1 ? 0 : -Infinity));
  return tf.tensor2d(values, [1, keep.length]);
}

/**
 * The sub-bags under any aggregator, with one pass per sub-bag. Pseudo-bags keep the order of the draw, which
 * matters to TransMIL.
 */
export function aggregatedSubBags(
  aggregator: Aggregator,
  weights: Weights,
  h: Tensor2D,
  { keep, groups }: Draw,
  context: StepContext,
): SubBags {
  const kept = keep && [...keep.keys()].filter((row) => keep[row] === 1);
  const lists = kept === undefined ? groups.rows : [kept, ...groups.rows];
  const within = (name: string): StepContext => ({
    ...context,
    stream: (purpose) => context.stream(`${name}/${purpose}`),
  });
  return {
    attention: () => wholeAttention(aggregator, weights, kernels.detached(h), within('whole')),
    loss(shares) {
      const losses = lists.map((rows, i) => {
        const part = gatherRows(h, Int32Array.from(rows));
        const loss = aggregator.aggregate(weights, part, within(`sub-bag ${i}`)).loss(context);
        return tf.mul<Scalar>(loss, shares[i]);
      });
      return tf.addN(losses);
    },
  };
}

/** Attention [1, n] for the consistency loss: that of the first layer, averaged over its rows. */
export function wholeAttention(
  aggregator: Aggregator,
  weights: Weights,
  h: Tensor2D,
  context?: StepContext,
): Tensor2D {
  return tf.mean(aggregator.aggregate(weights, h, context).layers[0], 0, true);
}
