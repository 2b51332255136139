import type { Aggregator } from './aggregator.js';
import { attentionScores, gatedScores, matrix, vector } from './attention.js';
import { tf, type Tensor2D } from '../compute/backend.js';
import { dense, embed, product, softmax, type Dropout } from '../compute/layers.js';
import type { AbmilOptions } from './model-options.js';
import type { Model, ModelConfig, StepContext } from './model.js';
import type { Bag } from '../bags/bag.js';
import { linearSpec, type ParameterSpec, type Weights } from '../compute/parameters.js';

/**
 * The three ways in which the published code scores an instance: `tanh` with biases, `relu` without biases,
 * gated (`relu` times sigmoid) without biases.
 */
export type Scoring = 'tanh' | 'relu' | 'gated';

/**
 * Attention-based MIL (Ilse, Tomczak, Welling 2018) as trained by the common benchmark: h = dropout(relu(x
 * W^T + b)), a = softmax over instances of w tanh(V h + c) + d, logits = classifier(sum of a h).
 */
export function build(config: ModelConfig<AbmilOptions>): Model {
  return attentionModel(config, config.options.scoring);
}

/**
 * AB-MIL with gated attention: scores w (relu(V h) * sigmoid(U h)), without biases, as in the benchmark's
 * code.
 */
export function buildGated(config: ModelConfig): Model {
  return attentionModel(config, 'gated');
}

export function attentionModel(config: ModelConfig, scoring: Scoring): Model {
  return {
    parameters: attentionParameters(config, scoring),
    loss(weights, bag, context) {
      const h = embedBag(weights, bag, config, context);
      return context.bagLoss(classify(weights, h, scoring).logits);
    },
    infer(weights, bag) {
      const h = embedBag(weights, bag, config);
      const { logits, attention } = classify(weights, h, scoring);
      return {
        logits: tf.reshape(logits, [config.outputs]),
        attention: tf.reshape(attention, [bag.rows]),
        instanceLogits: classifier(weights, h),
      };
    },
  };
}

/** ReLU attention without biases, the baseline of MHIM-MIL and SAM-MIL. */
export function attentionAggregator(config: ModelConfig): Aggregator {
  return {
    parameters: attentionParameters(config, 'relu').filter(({ name }) => !name.startsWith('embed.')),
    instanceLogits: classifier,
    aggregate(weights, h) {
      const attention = softmax(attentionScores(h, weights, 'relu'));
      const features = product(attention, h);
      const logits = classifier(weights, features);
      return {
        ...{ logits, features, layers: [attention], ranking: attention },
        loss: (context) => context.bagLoss(logits),
      };
    },
  };
}

export function attentionParameters(config: ModelConfig, scoring: Scoring): ParameterSpec[] {
  const { dim, outputs, embedDim, attentionDim } = config;
  const biases = scoring === 'tanh';
  return [
    ...linearSpec('embed', dim, embedDim),
    ...linearSpec('att.V', embedDim, attentionDim, biases),
    ...(scoring === 'gated' ? linearSpec('att.U', embedDim, attentionDim, biases) : []),
    ...linearSpec('att.w', attentionDim, 1, biases),
    ...linearSpec('cls', embedDim, outputs),
  ];
}

/** The embedded bag [rows, embed], with dropout if a step is given. */
export function embedBag(weights: Weights, bag: Bag, config: ModelConfig, context?: StepContext): Tensor2D {
  return embed(bag.x, matrix(weights, 'embed.w'), vector(weights, 'embed.b'), stepDropout(config, context));
}

/** The dropout settings of a step. None in evaluation or at rate 0. */
export function stepDropout(
  { dropout }: ModelConfig,
  context: StepContext | undefined,
  purpose = 'dropout',
): Dropout | undefined {
  return context === undefined || dropout === 0
    ? undefined
    : { rate: dropout, stream: context.stream(purpose) };
}

/** h [rows, embed] -> logits [1, outputs], attention [1, rows]. */
export function classify(
  weights: Weights,
  h: Tensor2D,
  scoring: Scoring,
): { logits: Tensor2D; attention: Tensor2D } {
  const scores = scoring === 'gated' ? gatedScores(h, weights, 'relu') : attentionScores(h, weights, scoring);
  const attention = softmax(scores);
  return { logits: classifier(weights, product(attention, h)), attention };
}

/** The bag's classifier: [r, embed] -> [r, outputs]. */
export function classifier(weights: Weights, rows: Tensor2D): Tensor2D {
  return dense(rows, matrix(weights, 'cls.w'), vector(weights, 'cls.b'));
}
