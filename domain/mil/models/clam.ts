import { classifier, stepDropout, embedBag } from './abmil.js';
import { matrix, rowScores, shownAttention, vector } from './attention.js';
import { tf, type Scalar, type Tensor2D } from '../compute/backend.js';
import { rowCrossEntropy, smoothTop1Svm } from '../compute/instance-loss.js';
import { dense, dropout, gatherRows, hostLoss, product, softmax } from '../compute/layers.js';
import type { ClamOptions } from './model-options.js';
import type { Model, ModelConfig, StepContext } from './model.js';
import { linearSpec, type ParameterSpec, type Weights } from '../compute/parameters.js';

/**
 * CLAM-SB (Lu et al. 2021): one gated attention branch. See {@link buildMultiBranch}. For survival and
 * regression it is gated attention with the loss of the bag alone.
 */
export function build(config: ModelConfig<ClamOptions>): Model {
  return clam(config, 1);
}

/**
 * CLAM-MB: one gated attention branch per output (tanh times sigmoid, biases, dropout in both), each with a
 * separate classifier: a branch per class, per time bin, or one branch for a log hazard or a value. For
 * classes, in addition to the bag's loss, an instance classifier uses the instances with the
 * highest and lowest attention of the true class as positive and negative examples of that class. With
 * `subtyping`, it uses the instances with the highest attention of every other class as negative examples of
 * that class.
 */
export function buildMultiBranch(config: ModelConfig<ClamOptions>): Model {
  return clam(config, config.outputs);
}

function clam(config: ModelConfig<ClamOptions>, branches: number): Model {
  const settings = config.options;
  return {
    parameters: clamParameters(config, branches),
    loss(weights, bag, context) {
      const h = embedBag(weights, bag, config, context);
      const attention = attend(weights, h, config, context);
      const bagLoss = context.bagLoss(bagLogits(weights, attention, h));
      context.report('bag', bagLoss);
      // The instances have pseudo-labels only where the bag has a class.
      if (context.outcome.endpoint !== 'classification') return bagLoss;
      const { label } = context.outcome;
      const instanceLoss = instanceLosses(weights, h, attention, settings, label, config.outputs);
      context.report('instance', instanceLoss);
      return tf.add(tf.mul(bagLoss, settings.bagWeight), tf.mul(instanceLoss, 1 - settings.bagWeight));
    },
    infer(weights, bag) {
      const h = embedBag(weights, bag, config);
      const attention = attend(weights, h, config);
      return {
        logits: tf.reshape(bagLogits(weights, attention, h), [config.outputs]),
        attention: shownAttention(attention, config.endpoint),
        instanceLogits: classifier(weights, h),
      };
    },
  };
}

function clamParameters(config: ModelConfig, branches: number): ParameterSpec[] {
  const { dim, embedDim, attentionDim, outputs, endpoint } = config;
  const instanceClasses = endpoint === 'classification' ? outputs : 0;
  return [
    ...linearSpec('embed', dim, embedDim),
    ...linearSpec('att.V', embedDim, attentionDim),
    ...linearSpec('att.U', embedDim, attentionDim),
    ...linearSpec('att.w', attentionDim, branches),
    ...linearSpec('cls', embedDim, outputs),
    ...Array.from({ length: instanceClasses }, (_, label) => linearSpec(`inst${label}`, embedDim, 2)).flat(),
  ];
}

/** [branches, n] */
function attend(weights: Weights, h: Tensor2D, config: ModelConfig, context?: StepContext): Tensor2D {
  const branch = (name: string, activation: 'tanh' | 'sigmoid') =>
    dropout(
      dense(h, matrix(weights, `${name}.w`), vector(weights, `${name}.b`), activation),
      stepDropout(config, context, name),
    );
  const gated = tf.mul<Tensor2D>(branch('att.V', 'tanh'), branch('att.U', 'sigmoid'));
  return softmax(rowScores(gated, weights, 'att'));
}

/** [1, outputs]. With one branch per class, logit k is row k of the classifier on branch k's sum. */
function bagLogits(weights: Weights, attention: Tensor2D, h: Tensor2D): Tensor2D {
  const features = product(attention, h); // [branches, embed]
  const [branches] = features.shape;
  if (branches === 1) return classifier(weights, features);
  const scores = tf.sum(tf.mul(features, matrix(weights, 'cls.w')), 1);
  return tf.reshape(tf.add(scores, vector(weights, 'cls.b') ?? 0), [1, branches]);
}

function instanceLosses(
  weights: Weights,
  h: Tensor2D,
  attention: Tensor2D,
  settings: ClamOptions,
  label: number,
  classes: number,
): Scalar {
  const [branches, n] = attention.shape;
  const values = attention.dataSync();
  const k = Math.min(settings.kSample, n);
  const rankedBy = (branch: number) => rank(values.subarray(branch * n, (branch + 1) * n));
  const one = (ofClass: number, rows: number[], targets: number[]): Scalar => {
    const name = `inst${ofClass}`;
    const scores = dense(
      gatherRows(h, Int32Array.from(rows)),
      matrix(weights, `${name}.w`),
      vector(weights, `${name}.b`),
    );
    const loss = settings.instLoss === 'svm' ? smoothTop1Svm : rowCrossEntropy;
    return hostLoss(scores, (values) => loss(values, targets, 2));
  };
  const targets = (value: number) => new Array<number>(k).fill(value);
  const losses: Scalar[] = [];
  for (let ofClass = 0; ofClass < classes; ofClass++) {
    if (ofClass !== label && !settings.subtyping) continue;
    const ranked = rankedBy(branches === 1 ? 0 : ofClass);
    const highest = ranked.slice(0, k);
    losses.push(
      ofClass === label
        ? one(ofClass, [...highest, ...ranked.slice(-k)], [...targets(1), ...targets(0)])
        : one(ofClass, highest, targets(0)),
    );
  }
  const total = losses.reduce((sum, loss) => tf.add(sum, loss));
  return settings.subtyping ? tf.div(total, classes) : total;
}

/** Rows from the highest attention to the lowest. */
function rank(attention: ArrayLike<number>): number[] {
  return Array.from({ length: attention.length }, (_, row) => row).sort(
    (a, b) => attention[b] - attention[a] || a - b,
  );
}
