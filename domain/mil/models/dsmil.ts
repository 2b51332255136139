import { SamMilError } from '../../errors.js';
import { differentiable } from '../compute/differentiable.js';
import { embedBag } from './abmil.js';
import type { Aggregated, Aggregator } from './aggregator.js';
import { matrix, shownAttention, vector } from './attention.js';
import { tf, type Scalar, type Tensor2D } from '../compute/backend.js';
import { binaryCrossEntropy } from '../compute/instance-loss.js';
import { dense, gatherRows, hostLoss, product, productTransposed, softmax } from '../compute/layers.js';
import type { DsmilOptions } from './model-options.js';
import type { Model, ModelConfig, StepContext } from './model.js';
import { linearSpec, type ParameterSpec, type Weights } from '../compute/parameters.js';
import { largestRows } from './pooling.js';

/** The embedding of the instances is not part of the aggregator. */
type AggregatorOptions = Omit<DsmilOptions, 'embedding'>;

/**
 * DSMIL (Li, Li, Eliceiri 2021) as trained by the common benchmark. An instance classifier finds the critical
 * instance of each output, the one with its largest logit: of each class; of each time bin, the instance with
 * the largest hazard; of a log hazard or a value, the instance with the largest. The attention of all others
 * is the similarity of their queries to the critical query: A = softmax over n of q(h_n) q(h_critical) /
 * sqrt(size of q). The bag has one weighted sum per output, and every logit depends on all of them. Loss:
 * half on the bag logits, half on the largest instance logits.
 *
 * With `query: tanh`, `embedding: none` and `bag-loss: bce` it is the model of the original code. As for all
 * models, its probabilities are the softmax of the bag's logits; the original uses the sigmoid of each logit.
 */
export function build(config: ModelConfig<DsmilOptions>): Model {
  const settings = config.options;
  if (settings.bagLoss === 'bce' && config.endpoint !== 'classification') throw classLossOnly();
  const bare = settings.embedding === 'none';
  const aggregator = dsmilAggregator(bare ? { ...config, embedDim: config.dim } : config, settings);
  const instances: typeof embedBag = bare ? (_, bag) => bag.x : embedBag;
  return {
    parameters: [...(bare ? [] : linearSpec('embed', config.dim, config.embedDim)), ...aggregator.parameters],
    loss(weights, bag, context) {
      const h = instances(weights, bag, config, context);
      return aggregator.aggregate(weights, h, context).loss(context);
    },
    infer(weights, bag) {
      const h = instances(weights, bag, config);
      const { logits, layers } = aggregator.aggregate(weights, h);
      return {
        logits: tf.reshape(logits, [config.outputs]),
        attention: shownAttention(layers[0], config.endpoint),
        instanceLogits: aggregator.instanceLogits(weights, h),
      };
    },
  };
}

export function dsmilAggregator(config: ModelConfig, settings: AggregatorOptions): Aggregator {
  return {
    parameters: dsmilParameters(config, settings),
    instanceLogits,
    aggregate(weights, h): Aggregated {
      const instances = instanceLogits(weights, h); // [n, outputs]
      const critical = largestRows(instances); // [outputs]
      const queries = query(weights, h, settings);
      const sought = tf.mul<Tensor2D>(gatherRows(queries, critical), 1 / Math.sqrt(config.attentionDim));
      const attention = softmax(productTransposed(sought, queries)); // [outputs, n]
      const values =
        settings.value === 'identity' ? h : dense(h, matrix(weights, 'v.w'), vector(weights, 'v.b'), 'relu');
      const features = product(attention, values); // [outputs, embed]
      const logits = bagLogits(weights, features);
      return {
        ...{ logits, features, layers: [attention] },
        get ranking(): Tensor2D {
          return tf.reshape(tf.max(instances, 1), [1, h.shape[0]]);
        },
        loss(context) {
          const loss = halfLoss(context, settings.bagLoss === 'bce');
          return tf.add(loss(logits), loss(largestLogits(instances, critical)));
        },
      };
    },
  };
}

function dsmilParameters(
  { embedDim, attentionDim, outputs }: ModelConfig,
  settings: AggregatorOptions,
): ParameterSpec[] {
  return [
    ...linearSpec('inst', embedDim, outputs),
    ...linearSpec('q', embedDim, attentionDim),
    ...(settings.query === 'tanh' ? linearSpec('q2', attentionDim, attentionDim) : []),
    ...(settings.value === 'relu' ? linearSpec('v', embedDim, embedDim) : []),
    // A convolution over the outputs' sums with a kernel as long as an embedding, so every output depends on
    // all of them.
    { name: 'fcc.w', shape: [outputs, outputs, embedDim], init: 'xavier' },
    { name: 'fcc.b', shape: [outputs], init: 'zeros' },
  ];
}

function instanceLogits(weights: Weights, h: Tensor2D): Tensor2D {
  return dense(h, matrix(weights, 'inst.w'), vector(weights, 'inst.b'));
}

function halfLoss({ outcome, bagLoss }: StepContext, binary: boolean): (logits: Tensor2D) => Scalar {
  if (!binary || outcome.endpoint !== 'classification') return (logits) => bagLoss(logits, [0.5]);
  return (logits) => hostLoss(logits, (values) => binaryCrossEntropy(values, outcome.label, 0.5));
}

function classLossOnly(): SamMilError {
  return new SamMilError('InvalidInput', '`bag-loss: bce` is a loss of classes', {
    expected: '`bag-loss: ce` for survival and regression, which then stands for their own loss',
    next: 'remove `bag-loss`',
  });
}

/** The largest instance logit of each output, [1, outputs]. Only these logits have a gradient. */
function largestLogits(instances: Tensor2D, critical: Int32Array): Tensor2D {
  const [rows, outputs] = instances.shape;
  return differentiable([instances], () => {
    const values = instances.dataSync();
    return {
      value: tf.tensor2d(
        Float32Array.from(critical, (row, k) => values[row * outputs + k]),
        [1, outputs],
      ),
      gradient(dy) {
        const slopes = dy.dataSync();
        const spread = new Float32Array(rows * outputs);
        critical.forEach((row, k) => (spread[row * outputs + k] = slopes[k]));
        return [tf.tensor2d(spread, [rows, outputs])];
      },
    };
  });
}

function query(weights: Weights, h: Tensor2D, settings: AggregatorOptions): Tensor2D {
  const first = settings.query === 'linear' ? 'none' : 'relu';
  const q = dense(h, matrix(weights, 'q.w'), vector(weights, 'q.b'), first);
  if (settings.query === 'linear') return q;
  return dense(q, matrix(weights, 'q2.w'), vector(weights, 'q2.b'), 'tanh');
}

function bagLogits(weights: Weights, features: Tensor2D): Tensor2D {
  const [outputs, embed] = features.shape;
  const kernel: Tensor2D = tf.reshape(weights['fcc.w'], [outputs, outputs * embed]);
  return dense(tf.reshape(features, [1, outputs * embed]), kernel, vector(weights, 'fcc.b'));
}
