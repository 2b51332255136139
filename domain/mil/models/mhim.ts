import { stepDropout, embedBag } from './abmil.js';
import type { Aggregator } from './aggregator.js';
import { matrix, vector } from './attention.js';
import { tf, type Scalar, type Tensor2D } from '../compute/backend.js';
import { baselineAggregator, baselineModel } from './baselines.js';
import { cosineDecay, cosineRise, keptRows, streamShuffle, type HardMaskSettings } from './hard-masks.js';
import { embed, softmax } from '../compute/layers.js';
import type { MhimOptions } from './model-options.js';
import type { Model, ModelConfig, StepContext } from './model.js';
import type { Bag } from '../bags/bag.js';
import type { Weights } from '../compute/parameters.js';

/**
 * MHIM-MIL (Tang et al. 2023, first version): a teacher, which slowly follows the student, sees the whole
 * bag. The instances with its highest and lowest attention, and some others, are masked, so that the student
 * learns from the hard instances. The student's loss is that of its baseline on the bag, plus the
 * cross-entropy of its bag embedding against the teacher's (softmax over the embedding, the teacher's
 * sharpened by a temperature).
 */
export function build(config: ModelConfig<MhimOptions>): Model {
  const settings = config.options;
  const aggregator = baselineAggregator(config, settings.baseline);
  return {
    ...baselineModel(config, aggregator),
    teacherMomentum: ({ step, totalSteps }) =>
      settings.momentumRise ? cosineRise(settings.momentum, step, totalSteps) : settings.momentum,
    loss(weights, bag, context) {
      const seen = teacherView(aggregator, bag, config, context);
      const shares = maskShares(settings, context);
      const keep = keptRows(
        seen.ranking,
        shares,
        streamShuffle((purpose) => context.stream(purpose)),
      );
      return studentLoss(
        weights,
        bag,
        config,
        { aggregator, settings, keep, target: seen.features },
        context,
      );
    },
  };
}

function maskShares(settings: MhimOptions, { step, totalSteps }: StepContext): HardMaskSettings {
  return {
    high: settings.maskDecay ? cosineDecay(settings.maskHigh, step, totalSteps) : settings.maskHigh,
    highPool: settings.maskHighPool,
    low: settings.maskLow,
    random: settings.maskRandom,
  };
}

/** The teacher's view of the whole bag, with dropout as in training and without gradient. */
export function teacherView(
  aggregator: Aggregator,
  bag: Bag,
  config: ModelConfig,
  context: StepContext,
): { features: Tensor2D; ranking: Float32Array[] } {
  const { teacher } = context;
  if (teacher === undefined) throw new Error('MHIM-MIL needs a teacher');
  const own: StepContext = { ...context, stream: (purpose) => context.stream(`teacher/${purpose}`) };
  const { features, ranking } = aggregator.aggregate(teacher, embedBag(teacher, bag, config, own), own);
  const values = ranking.dataSync() as Float32Array;
  const rows = ranking.shape[0];
  return {
    features,
    ranking: Array.from({ length: rows }, (_, i) => values.slice(i * bag.rows, (i + 1) * bag.rows)),
  };
}

export interface StudentStep {
  aggregator: Aggregator;
  settings: Pick<MhimOptions, 'consistency' | 'temperature'>;
  keep: readonly number[];
  /** The teacher's bag embedding. */
  target: Tensor2D;
}

/** The student's loss on the kept rows, the only ones that are embedded. */
export function studentLoss(
  weights: Weights,
  bag: Bag,
  config: ModelConfig,
  { aggregator, settings, keep, target }: StudentStep,
  context: StepContext,
): Scalar {
  const x = tf.gather(bag.x, tf.tensor1d([...keep], 'int32'));
  const drop = stepDropout(config, context);
  const h = embed(x, matrix(weights, 'embed.w'), vector(weights, 'embed.b'), drop);
  const student = aggregator.aggregate(weights, h, context);
  const bagLoss = student.loss(context);
  const likeness = softTargetLoss(student.features, target, settings.temperature);
  context.report(context.outcome.endpoint, bagLoss);
  context.report('consistency', likeness);
  return tf.add(bagLoss, tf.mul(likeness, settings.consistency));
}

/** - sum of softmax(target / temperature) log softmax(features), mean over the rows. */
function softTargetLoss(features: Tensor2D, target: Tensor2D, temperature: number): Scalar {
  const soft = softmax(tf.div<Tensor2D>(target, temperature));
  const all = tf.sum(tf.mul(soft, tf.logSoftmax(features)));
  return tf.mul(all, -1 / features.shape[0]);
}
