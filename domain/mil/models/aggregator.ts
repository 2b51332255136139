import type { Scalar, Tensor2D } from '../compute/backend.js';
import type { StepContext } from './model.js';
import type { ParameterSpec, Weights } from '../compute/parameters.js';

/** The result of aggregating an embedded bag. */
export interface Aggregated {
  /** [1, outputs] */
  logits: Tensor2D;
  /** Embedding of the bag, [r, embed], where r is 1, or the number of outputs for DSMIL. */
  features: Tensor2D;
  /** Attention of each layer, [heads, n]. For DSMIL, one row per output. */
  layers: Tensor2D[];
  /**
   * The ranking of the instances for masking, [rankings, n]: one row, or one row per head, which then vote.
   */
  ranking: Tensor2D;
  /** Loss of this bag. */
  loss(context: StepContext): Scalar;
}

/**
 * The part of a model between the embedding and the logits, so that masking methods (MHIM-MIL, SAM-MIL) work
 * with any of them. The embedding itself, `embed.w` and `embed.b`, belongs to the model.
 */
export interface Aggregator {
  /** Parameters of the aggregator, without those of the embedding. */
  parameters: ParameterSpec[];
  /**
   * @param h embedded bag [n, embed]
   * @param context for dropout inside the aggregator; absent in evaluation
   */
  aggregate(weights: Weights, h: Tensor2D, context?: StepContext): Aggregated;
  /** Logits [n, outputs] of single instances. */
  instanceLogits(weights: Weights, h: Tensor2D): Tensor2D;
}
