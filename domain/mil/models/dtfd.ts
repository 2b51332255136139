import { gatedScores, matrix, vector } from './attention.js';
import { tf, type Scalar, type Tensor2D } from '../compute/backend.js';
import { clipNorm } from '../compute/clip.js';
import { differentiate } from '../compute/differentiate.js';
import { dense, embed, gatherRows, product, softmax } from '../compute/layers.js';
import { riskOfCurve } from '../../statistics/survival/hazard-curve.js';
import { curveFromLogits } from '../targets/hazard-loss.js';
import type { DtfdOptions } from './model-options.js';
import type { Model, ModelConfig, StepContext } from './model.js';
import type { Bag } from '../bags/bag.js';
import { linearSpec, type ParameterSpec, type Weights } from '../compute/parameters.js';
import { nearEqualRuns, withinBags, type PseudoBags } from './pseudo-bags.js';

/**
 * DTFD-MIL (Zhang et al. 2022). Tier 1 is gated attention over each of a few random pseudo-bags, all with the
 * outcome of the slide. Each passes one or two distilled features to tier 2, which is gated attention over
 * these features. Gradients are clipped by part. In evaluation, the pseudo-bags are runs in the bag's order,
 * so that results are deterministic. `attention` is tier 1's softmax over the whole bag.
 */
export function build(config: ModelConfig<DtfdOptions>): Model {
  const settings = config.options;
  const parameters = dtfdParameters(config);
  const draw = (bag: Bag, context: StepContext) =>
    nearEqualRuns(context.stream('pseudo-bags').permutation(bag.rows), settings.numGroup);
  return {
    parameters,
    loss: (weights, bag, context) => tierLosses(weights, bag, draw(bag, context), config, context).total(),
    gradients: (weights, bag, context) =>
      dtfdGradients(weights, bag, draw(bag, context), config, context, parameters),
    infer(weights, bag) {
      const order = Int32Array.from({ length: bag.rows }, (_, row) => row);
      const tier1 = firstTier(weights, bag, nearEqualRuns(order, settings.numGroup));
      return {
        logits: tf.reshape(secondTier(weights, distilled(weights, tier1, config)), [config.outputs]),
        attention: tf.reshape(softmax(tier1.scores), [bag.rows]),
        instanceLogits: classify(weights, tier1.h, 't1'),
      };
    },
  };
}

function dtfdParameters({ dim, embedDim, attentionDim, outputs }: ModelConfig): ParameterSpec[] {
  const tier = (name: string) => [
    ...linearSpec(`${name}.V`, embedDim, attentionDim),
    ...linearSpec(`${name}.U`, embedDim, attentionDim),
    ...linearSpec(`${name}.w`, attentionDim, 1),
    ...linearSpec(`${name}.cls`, embedDim, outputs),
  ];
  return [...linearSpec('dim', dim, embedDim, false), ...tier('t1'), ...tier('t2')];
}

export interface FirstTier {
  /** [n, embed] */
  h: Tensor2D;
  /** [1, n] */
  scores: Tensor2D;
  /** [pseudo-bags, n], each row a distribution over its pseudo-bag. */
  attention: Tensor2D;
  /** Sum of each pseudo-bag, [pseudo-bags, embed]. */
  sums: Tensor2D;
  /** [pseudo-bags, outputs] */
  logits: Tensor2D;
  groups: PseudoBags;
}

export function firstTier(weights: Weights, bag: Bag, groups: PseudoBags): FirstTier {
  const h = embed(bag.x, matrix(weights, 'dim.w'));
  const scores = gatedScores(h, weights, 'tanh', 't1');
  const attention = softmax(tf.add<Tensor2D>(withinBags(groups), scores));
  const sums = product(attention, h);
  return { h, scores, attention, sums, logits: classify(weights, sums, 't1'), groups };
}

/** Logits [1, outputs] from distilled features [m, embed]. */
export function secondTier(weights: Weights, features: Tensor2D): Tensor2D {
  const attention = softmax(gatedScores(features, weights, 'tanh', 't2'));
  return classify(weights, product(attention, features), 't2');
}

function classify(weights: Weights, rows: Tensor2D, tier: string): Tensor2D {
  return dense(rows, matrix(weights, `${tier}.cls.w`), vector(weights, `${tier}.cls.b`));
}

/** What the tiers need to know of the configuration. */
export type DtfdConfig = Pick<ModelConfig<DtfdOptions>, 'endpoint' | 'outputs' | 'options'>;

export function distilled(weights: Weights, tier1: FirstTier, config: DtfdConfig): Tensor2D {
  const { distill } = config.options;
  if (distill === 'AFS') return tier1.sums;
  const scores = instanceScores(weights, tier1, config);
  const chosen = selectInstances(scores, tier1.groups, distill === 'MaxMinS');
  return gatherRows(tier1.h, Int32Array.from(chosen));
}

/**
 * Score of each separate instance by the classifier, without bias, on its attended features a h: the
 * probability of the last class, the risk of a patient with such logits (time bins), or the only logit (log
 * hazard, value). It only selects instances, so it passes no gradient.
 */
export function instanceScores(
  weights: Weights,
  { h, attention }: FirstTier,
  { endpoint, outputs }: Pick<DtfdConfig, 'endpoint' | 'outputs'>,
): Float32Array {
  const own = tf.sum(attention, 0); // every row is in exactly one pseudo-bag
  const logits = dense(h, matrix(weights, 't1.cls.w'));
  const attended = tf.mul<Tensor2D>(logits, tf.reshape(own, [h.shape[0], 1]));
  if (endpoint === 'classification') {
    const last = tf.slice(softmax(attended), [0, outputs - 1], [-1, 1]);
    return last.dataSync() as Float32Array;
  }
  const values = attended.dataSync() as Float32Array;
  if (outputs === 1) return values;
  return Float32Array.from({ length: h.shape[0] }, (_, row) =>
    riskOfCurve(curveFromLogits(values.subarray(row * outputs, (row + 1) * outputs))),
  );
}

/** The row with the highest score of each pseudo-bag, followed by the row with the lowest score if `both`. */
export function selectInstances(scores: Float32Array, { of, count }: PseudoBags, both: boolean): number[] {
  return Array.from({ length: count }, (_, group) => {
    const rows = [...of.keys()].filter((row) => of[row] === group);
    const highest = rows.reduce((best, row) => (scores[row] > scores[best] ? row : best));
    const lowest = rows.reduce((worst, row) => (scores[row] <= scores[worst] ? row : worst));
    return both ? [highest, lowest] : [highest];
  }).flat();
}

function tierLosses(
  weights: Weights,
  bag: Bag,
  groups: PseudoBags,
  config: DtfdConfig,
  context: StepContext,
) {
  const tier1 = firstTier(weights, bag, groups);
  const equal = new Array<number>(groups.count).fill(1 / groups.count);
  const first = () => context.bagLoss(tier1.logits, equal);
  const second = () => context.bagLoss(secondTier(weights, distilled(weights, tier1, config)));
  return { tier1, first, second, total: (): Scalar => tf.add(first(), second()) };
}

/**
 * Both losses and their gradients for a given partition. The gradients of the embedding, tier 1's attention,
 * tier 1's classifier (all from the first loss only) and tier 2 are clipped by norm separately. With
 * `detach: false`, the second loss's gradient on tier 1 is added afterwards, unclipped.
 */
export function dtfdGradients(
  weights: Weights,
  bag: Bag,
  groups: PseudoBags,
  config: DtfdConfig,
  context: StepContext,
  parameters: readonly ParameterSpec[],
): { loss: Scalar; gradients: Weights } {
  const settings = config.options;
  const names = parameters.map(({ name }) => name);
  const [tier1, tier2] = [
    names.filter((name) => !name.startsWith('t2.')),
    names.filter((name) => name.startsWith('t2.')),
  ];
  let features: { values: Float32Array; shape: [number, number] } | undefined;
  const one = differentiate(
    () => {
      const losses = tierLosses(weights, bag, groups, config, context);
      const passedOn = distilled(weights, losses.tier1, config);
      features = { values: Float32Array.from(passedOn.dataSync()), shape: passedOn.shape };
      return losses.first();
    },
    tier1,
    weights,
  );
  const classifierNames = tier1.filter((name) => name.startsWith('t1.cls'));
  const attentionNames = tier1.filter((name) => name.startsWith('t1.') && !classifierNames.includes(name));
  for (const part of [['dim.w'], attentionNames, classifierNames])
    clipNorm(one.gradients, part, settings.clip);

  const { values, shape } = features as NonNullable<typeof features>;
  const two = settings.detach
    ? differentiate(() => context.bagLoss(secondTier(weights, tf.tensor2d(values, shape))), tier2, weights)
    : differentiate(() => tierLosses(weights, bag, groups, config, context).second(), names, weights);
  clipNorm(two.gradients, tier2, settings.clip);
  context.report('tier1', one.loss);
  context.report('tier2', two.loss);
  const loss: Scalar = tf.add(one.loss, two.loss);
  tf.dispose([one.loss, two.loss]);
  return { loss, gradients: summed(one.gradients, two.gradients) };
}

/** Adds gradients by name and disposes both inputs. */
function summed(a: Weights, b: Weights): Weights {
  const sum: Weights = { ...a, ...b };
  for (const name of Object.keys(a)) {
    if (b[name] === undefined) continue;
    sum[name] = tf.add(a[name], b[name]);
    tf.dispose([a[name], b[name]]);
  }
  return sum;
}
