import { attentionModel, classifier, classify, embedBag } from './abmil.js';
import { areaMask, type AreaMaskSettings } from './area-mask.js';
import { scoresAndDetached } from './attention.js';
import { tf, type Rank, type Scalar, type Tensor2D } from './backend.js';
import { areaClasses, consistency, type ConsistencyOver } from './consistency.js';
import { crossEntropy, hostLoss, product } from './layers.js';
import type { Bag, Model, ModelConfig, StepContext } from './model.js';
import type { Weights } from './parameters.js';
import { pseudoBags, withinBags, type PseudoBags } from './pseudo-bags.js';

/** Options of SAM-MIL; see `model-options.ts` for their meaning and defaults. */
interface Settings extends AreaMaskSettings {
  mode: 'paper' | 'release';
  numGroup: number;
  alpha: number;
  beta: number;
  consistencyOver: ConsistencyOver;
}

/**
 * SAM-MIL (ACM MM 2024) on AB-MIL with ReLU attention.
 *
 * `mode: paper` minimises CE(masked bag) + alpha mean CE(pseudo-bags) + beta consistency, where the mask is drawn by region area, the
 * pseudo-bags are a random partition of all rows, and the consistency loss looks at the attention over the whole bag with its gradient going
 * to the attention weights only. `mode: release` minimises what the authors' published code does: CE(last pseudo-bag) + alpha mean
 * CE(pseudo-bags); its consistency term looks at a frozen random teacher, so it shows in the reported loss and trains nothing.
 */
export function build(config: ModelConfig): Model {
  const settings = config.options as unknown as Settings;
  return {
    ...attentionModel(config, 'relu'),
    ...(settings.mode === 'paper' ? paper : release)(config, settings),
  };
}

function paper(config: ModelConfig, settings: Settings): Pick<Model, 'loss'> {
  return {
    loss(weights, bag, context) {
      const keep = areaMask(bag.area, settings, context.stream('area-mask'));
      const groups = pseudoBags(bag.rows, settings.numGroup, context.stream('pseudo-bags'));
      return paperLoss(weights, bag, config, settings, { keep, groups }, context);
    },
  };
}

/** Which rows each sub-bag of a step holds. */
export interface Draw {
  /** 1 for rows that stay in the masked bag. */
  keep: Uint8Array;
  groups: PseudoBags;
}

/**
 * The loss for a given draw. The bag is embedded and scored once; each sub-bag is a softmax over its own rows of the same scores, so all of
 * them together cost two thin matrix products.
 */
export function paperLoss(
  weights: Weights,
  bag: Bag,
  config: ModelConfig,
  settings: Pick<Settings, 'alpha' | 'beta' | 'consistencyOver'>,
  { keep, groups }: Draw,
  context: StepContext,
): Scalar {
  const h = embedBag(weights, bag, config, context); // [n, embed]
  const subBags = 1 + groups.count;
  const scores = scoresAndDetached(h, weights, 'relu'); // [2, n]
  // Rows: the masked bag, each pseudo-bag, and the whole bag from the scores that pass no gradient to h.
  const spread = tf.gather(scores, [...new Array<number>(subBags).fill(0), 1]);
  const attention = tf.softmax(tf.add<Tensor2D>(spread, exclusions(keep, groups)));
  const [pooling, whole] = tf.split(attention, [subBags, 1]) as [Tensor2D, Tensor2D];
  const logits = classifier(weights, product(pooling, h)); // [sub-bags, classes]

  const shares = new Array<number>(groups.count).fill(settings.alpha / groups.count);
  const crossEntropies = crossEntropy(logits, context.label, [1, ...shares]);
  const spreadLoss = consistencyLoss(whole, areaClasses(bag.area, settings.consistencyOver));
  context.report('ce', crossEntropy(tf.slice(logits, [0, 0], [1, -1]), context.label));
  context.report('consistency', spreadLoss);
  return tf.add(crossEntropies, tf.mul(spreadLoss, settings.beta));
}

/** [1 + groups + 1, n]: 0 for rows that belong to a sub-bag, -infinity for the others. */
function exclusions(keep: Uint8Array, groups: PseudoBags): Tensor2D {
  const masked = Float32Array.from(keep, (kept) => (kept === 1 ? 0 : -Infinity));
  const n = keep.length;
  return tf.concat([tf.tensor2d(masked, [1, n]), withinBags(groups), tf.zeros<Rank.R2>([1, n])]);
}

/** {@link consistency} of an attention row [1, n] as a differentiable scalar. */
export function consistencyLoss(attention: Tensor2D, classes: Int32Array): Scalar {
  return hostLoss(attention, (values) => consistency(values, classes));
}

function release(config: ModelConfig, settings: Settings): Pick<Model, 'loss' | 'teacherMomentum'> {
  return {
    // The released loop updates the teacher for another model only, so it stays as it was initialised.
    teacherMomentum: () => 1,
    loss(weights, bag, context) {
      const groups = pseudoBags(bag.rows, settings.numGroup, context.stream('pseudo-bags'));
      return releaseLoss(weights, bag, config, settings, groups, context);
    },
  };
}

/** The loss that the released code differentiates, for a given partition; the total it prints is reported as `printed`. */
export function releaseLoss(
  weights: Weights,
  bag: Bag,
  config: ModelConfig,
  settings: Pick<Settings, 'alpha' | 'beta' | 'consistencyOver'>,
  groups: PseudoBags,
  context: StepContext,
): Scalar {
  const h = embedBag(weights, bag, config, context);
  const scores = scoresAndDetached(h, weights, 'relu');
  const spread = tf.gather(scores, new Array<number>(groups.count).fill(0));
  const everything = exclusions(new Uint8Array(bag.rows), groups);
  const attention = tf.softmax(tf.add<Tensor2D>(spread, tf.slice(everything, [1, 0], [groups.count, -1])));
  const logits = classifier(weights, product(attention, h));
  const shares = new Array<number>(groups.count).fill(settings.alpha / groups.count);
  shares[groups.count - 1] += 1;
  const loss = crossEntropy(logits, context.label, shares);
  if (context.teacher !== undefined) {
    const teacher = classify(context.teacher, embedBag(context.teacher, bag, config), 'relu').attention;
    const { loss: spreadLoss } = consistency(
      teacher.dataSync(),
      areaClasses(bag.area, settings.consistencyOver),
    );
    context.report('consistency', spreadLoss);
    context.report('printed', tf.add<Scalar>(loss, settings.beta * spreadLoss));
  }
  return loss;
}
