import { embedBag } from './abmil.js';
import type { Aggregator } from './aggregator.js';
import { areaMask } from './area-mask.js';
import { tf, type Scalar, type Tensor2D } from '../compute/backend.js';
import { baselineAggregator, baselineModel } from './baselines.js';
import { areaClasses, consistency } from './consistency.js';
import { hostLoss } from '../compute/layers.js';
import type { SamMilOptions } from './model-options.js';
import type { Model, ModelConfig, StepContext } from './model.js';
import type { Bag } from '../bags/bag.js';
import type { Weights } from '../compute/parameters.js';
import { pseudoBags } from './pseudo-bags.js';
import { aggregatedSubBags, attentionSubBags, wholeAttention, type Draw, type SubBags } from './sub-bags.js';

/**
 * SAM-MIL (ACM MM 2024) on AB-MIL with ReLU attention, on TransMIL or on DSMIL.
 *
 * CE is the cross-entropy of a sub-bag, or the loss of the trained head.
 *
 * `mode: paper` minimizes CE(masked bag) + alpha mean CE(pseudo-bags) + beta consistency, where the mask is
 * drawn by region area, the pseudo-bags are a random partition of all rows, and the consistency loss uses the
 * attention over the whole bag, with a gradient only for the attention's weights. `mode: release` minimizes
 * the loss of the authors' published code: CE(last pseudo-bag) + alpha mean CE(pseudo-bags); its consistency
 * term uses a frozen random teacher, so it appears in the reported loss but trains nothing.
 */
export function build(config: ModelConfig<SamMilOptions>): Model {
  const settings = config.options;
  const aggregator = baselineAggregator(config, settings.baseline);
  const plain = baselineModel(config, aggregator);
  const drawGroups = (bag: Bag, context: StepContext) =>
    pseudoBags(bag.rows, settings.numGroup, context.stream('pseudo-bags'));
  if (settings.mode === 'paper') {
    return {
      ...plain,
      loss(weights, bag, context) {
        const keep = areaMask(bag.area, settings, context.stream('area-mask'));
        const draw = { keep, groups: drawGroups(bag, context) };
        return paperLoss(weights, bag, config, { settings, aggregator, draw }, context);
      },
    };
  }
  return {
    ...plain,
    // The released training loop updates the teacher only for another model, so it keeps its initial weights.
    teacherMomentum: () => 1,
    loss: (weights, bag, context) =>
      releaseLoss(
        weights,
        bag,
        config,
        { settings, aggregator, draw: { groups: drawGroups(bag, context) } },
        context,
      ),
  };
}

export interface SamMilStep {
  settings: Pick<SamMilOptions, 'baseline' | 'alpha' | 'beta' | 'consistencyOver'>;
  aggregator: Aggregator;
  draw: Draw;
}

function subBags(
  weights: Weights,
  h: Tensor2D,
  { settings, aggregator, draw }: SamMilStep,
  context: StepContext,
): SubBags {
  return settings.baseline === 'abmil'
    ? attentionSubBags(weights, h, draw, context)
    : aggregatedSubBags(aggregator, weights, h, draw, context);
}

/** The loss of `mode: paper` for a given draw. */
export function paperLoss(
  weights: Weights,
  bag: Bag,
  config: ModelConfig,
  step: SamMilStep,
  context: StepContext,
): Scalar {
  const { settings, draw } = step;
  const bags = subBags(weights, embedBag(weights, bag, config, context), step, context);
  const { count } = draw.groups;
  const bagLoss = bags.loss([1, ...new Array<number>(count).fill(settings.alpha / count)]);
  const spread = consistencyLoss(bags.attention(), areaClasses(bag.area, settings.consistencyOver));
  context.report(context.outcome.endpoint, bagLoss);
  context.report('consistency', spread);
  return tf.add(bagLoss, tf.mul(spread, settings.beta));
}

/**
 * The loss that the released code differentiates, for a given partition. The total that it prints is reported
 * as `printed`.
 */
export function releaseLoss(
  weights: Weights,
  bag: Bag,
  config: ModelConfig,
  step: SamMilStep,
  context: StepContext,
): Scalar {
  const { settings, aggregator, draw } = step;
  const { count } = draw.groups;
  const shares = new Array<number>(count).fill(settings.alpha / count);
  shares[count - 1] += 1;
  const loss = subBags(weights, embedBag(weights, bag, config, context), step, context).loss(shares);
  if (context.teacher === undefined) return loss;
  const { teacher } = context;
  const attention = wholeAttention(aggregator, teacher, embedBag(teacher, bag, config));
  const spread = consistency(attention.dataSync(), areaClasses(bag.area, settings.consistencyOver)).loss;
  context.report('consistency', spread);
  context.report('printed', tf.add<Scalar>(loss, settings.beta * spread));
  return loss;
}

/** {@link consistency} of an attention row [1, n] as a differentiable scalar. */
export function consistencyLoss(attention: Tensor2D, classes: Int32Array): Scalar {
  return hostLoss(attention, (values) => consistency(values, classes));
}
