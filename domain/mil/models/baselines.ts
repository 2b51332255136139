import { attentionAggregator, embedBag } from './abmil.js';
import type { Aggregator } from './aggregator.js';
import { tf } from '../compute/backend.js';
import { dsmilAggregator } from './dsmil.js';
import type { Model, ModelConfig } from './model.js';
import { linearSpec } from '../compute/parameters.js';
import { selfAttentionAggregator } from './transmil.js';

/** The baselines of the masking methods. See `baseline` of MHIM-MIL and SAM-MIL. */
export type Baseline = 'abmil' | 'transmil' | 'dsmil';

export function baselineAggregator(config: ModelConfig, baseline: Baseline): Aggregator {
  if (baseline === 'transmil') return selfAttentionAggregator(config);
  if (baseline === 'dsmil') return dsmilAggregator(config, { query: 'tanh', value: 'relu', bagLoss: 'ce' });
  return attentionAggregator(config);
}

/** The masking methods' version of TransMIL as a separate model. */
export function buildSelfAttention(config: ModelConfig): Model {
  return baselineModel(config, selfAttentionAggregator(config));
}

/**
 * The plain model of an aggregator, without masks, which MHIM-MIL uses as its first teacher. `attention` is
 * that of the last layer, averaged over its rows.
 */
export function baselineModel(config: ModelConfig, aggregator: Aggregator): Model {
  return {
    parameters: [...linearSpec('embed', config.dim, config.embedDim), ...aggregator.parameters],
    loss: (weights, bag, context) =>
      aggregator.aggregate(weights, embedBag(weights, bag, config, context), context).loss(context),
    infer(weights, bag) {
      const h = embedBag(weights, bag, config);
      const { logits, layers } = aggregator.aggregate(weights, h);
      return {
        logits: tf.reshape(logits, [config.outputs]),
        attention: tf.reshape(tf.mean(layers[layers.length - 1], 0), [bag.rows]),
        instanceLogits: aggregator.instanceLogits(weights, h),
      };
    },
  };
}
