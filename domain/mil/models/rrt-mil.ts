import { SamMilError } from '../../errors.js';
import { classifier, embedBag, stepDropout } from './abmil.js';
import { attentionScores } from './attention.js';
import { tf, type Tensor1D, type Tensor2D } from '../compute/backend.js';
import { layerNorm, product, softmax } from '../compute/layers.js';
import type { RrtMilOptions } from './model-options.js';
import type { Model, ModelConfig, StepContext } from './model.js';
import { linearSpec, type ParameterSpec, type Weights } from '../compute/parameters.js';
import {
  crossAttention,
  crossParameters,
  regionalAttention,
  regionalParameters,
  type CrossShape,
  type RegionalShape,
} from './region-attention.js';

type Config = ModelConfig<RrtMilOptions>;

const HEADS = 8;
const OUT_DROPOUT = 0.1;

/**
 * RRT-MIL (Tang et al. 2024): the embedded bag is re-embedded by attention within regions and then between
 * regions, h += attention(layer norm of h) each, and pooled by AB-MIL without biases. The regions divide a
 * square that the bag fills row by row, so the order of the instances matters; their coordinates do not. Up
 * to 64 instances, a region holds one token, and the attention between regions has no effect.
 */
export function build(config: Config): Model {
  const parameters = rrtParameters(config);
  return {
    parameters,
    loss: (weights, bag, context) =>
      context.bagLoss(
        pool(weights, reembed(weights, embedBag(weights, bag, config, context), config, context).h, config)
          .logits,
      ),
    infer(weights, bag) {
      const { h } = reembed(weights, embedBag(weights, bag, config), config);
      const { logits, attention } = pool(weights, h, config);
      return {
        logits: tf.reshape(logits, [config.outputs]),
        attention: tf.reshape(attention, [bag.rows]),
        instanceLogits: classifier(weights, h),
      };
    },
  };
}

function rrtParameters(config: Config): ParameterSpec[] {
  const { dim, embedDim, attentionDim, outputs } = config;
  refuseShape(config);
  const norm = (name: string): ParameterSpec[] => [
    { name: `${name}.g`, shape: [embedDim], init: 'ones' },
    { name: `${name}.b`, shape: [embedDim], init: 'zeros' },
  ];
  return [
    ...linearSpec('embed', dim, embedDim),
    ...norm('rmsa.ln'),
    ...regionalParameters('rmsa', regionalShape(config)),
    ...norm('cr.ln'),
    ...crossParameters('cr', crossShape(config)),
    ...norm('ln'),
    ...linearSpec('att.V', embedDim, attentionDim, false),
    ...linearSpec('att.w', attentionDim, 1, false),
    ...linearSpec('cls', embedDim, outputs),
  ];
}

function refuseShape({ embedDim, options }: Config): void {
  const { epegK, crmsaHeads } = options;
  if (epegK !== 0 && epegK % 2 === 0) {
    throw new SamMilError('InvalidInput', 'the kernel of the position encoding has no middle', {
      expected: '`epeg-k` that is odd, or 0 for no position encoding',
      found: `${epegK}`,
    });
  }
  const wrong = [HEADS, crmsaHeads].find((heads) => embedDim % heads !== 0);
  if (wrong === undefined) return;
  throw new SamMilError('InvalidInput', 'the embedding cannot be divided among the heads of self-attention', {
    expected: `\`embed-dim\` that is a multiple of ${wrong}`,
    found: `${embedDim}`,
  });
}

function regionalShape({ embedDim, options }: Config): RegionalShape {
  return { dim: embedDim, heads: HEADS, epeg: options.epegK, across: options.regionNum };
}

function crossShape({ embedDim, options }: Config): CrossShape {
  return {
    dim: embedDim,
    heads: options.crmsaHeads,
    representatives: options.crmsaK,
    mlp: options.crmsaMlp,
  };
}

/** The re-embedded bag, and the bag after each of the two attentions, all [n, embed]. */
export function reembed(
  weights: Weights,
  embedded: Tensor2D,
  config: Config,
  context?: StepContext,
): { h: Tensor2D; within: Tensor2D; between: Tensor2D } {
  // A model without dropout after the embedding has no dropout here either.
  const own = config.dropout === 0 ? undefined : context;
  const drop = (name: string) => stepDropout({ ...config, dropout: OUT_DROPOUT }, own, name);
  return tf.tidy(() => {
    const first = norm(weights, embedded, 'rmsa.ln');
    const regional = regionalAttention(first, weights, 'rmsa', regionalShape(config), drop('rmsa'));
    const within: Tensor2D = tf.add(embedded, regional);
    const second = norm(weights, within, 'cr.ln');
    const crossed = crossAttention(second, weights, 'cr', crossShape(config), drop('cr'));
    const between: Tensor2D = tf.add(within, crossed);
    const sum: Tensor2D = config.options.allShortcut ? tf.add(between, embedded) : between;
    return { h: norm(weights, sum, 'ln'), within, between };
  });
}

function pool(weights: Weights, h: Tensor2D, { options }: Config): { logits: Tensor2D; attention: Tensor2D } {
  const attention = softmax(attentionScores(h, weights, options.attentionActivation));
  return { logits: classifier(weights, product(attention, h)), attention };
}

function norm(weights: Weights, x: Tensor2D, name: string): Tensor2D {
  return layerNorm(x, weights[`${name}.g`] as Tensor1D, weights[`${name}.b`] as Tensor1D);
}
