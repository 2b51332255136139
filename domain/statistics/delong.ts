import { SamMilError } from '../errors.js';
import { normalUpperTail, Z975 } from './distributions.js';
import { checkScored, midranks, type Numbers } from './ranking.js';

/** An AUC with DeLong's standard error. Intervals are 95 %, [low, high]. */
export interface DelongAuc {
  auc: number;
  variance: number;
  sd: number;
  /** Symmetric, clipped to [0, 1]. */
  wald95: [number, number];
  /**
   * On the logit scale; null if the AUC is 0 or 1 or its standard error is 0, where the scale is undefined.
   */
  logit95: [number, number] | null;
}

/** Two models on the same slides. */
export interface DelongPair {
  aucA: number;
  aucB: number;
  /** 2 x 2 covariance of the two AUCs. */
  covariance: [[number, number], [number, number]];
  difference: number;
  variance: number;
  /** NaN if both models rank every pair in the same way (variance 0). */
  z: number;
  pTwoSided: number;
  difference95: [number, number];
}

/**
 * AUC with its variance according to DeLong, DeLong and Clarke-Pearson (Biometrics 1988), computed with the
 * midrank method of Sun and Xu (IEEE SPL 2014).
 * @throws SamMilError InvalidInput if a class has fewer than two slides, because the variance is then
 *   undefined; CountMismatch
 */
export function delongAuc(scores: Numbers, labels: Numbers): DelongAuc {
  const { auc, overPositives, overNegatives } = placements(scores, labels);
  const variance = covarianceOfAucs([overPositives, overPositives], [overNegatives, overNegatives]);
  const sd = Math.sqrt(variance);
  return {
    auc,
    variance,
    sd,
    wald95: [clip(auc - Z975 * sd), clip(auc + Z975 * sd)],
    logit95: logitInterval(auc, sd),
  };
}

/**
 * DeLong's test of two correlated AUCs: the same slides in the same order, scored by two models.
 * @throws SamMilError as {@link delongAuc}
 */
export function delongPair(a: Numbers, b: Numbers, labels: Numbers): DelongPair {
  return delongPairOverRepeats([a], [b], labels);
}

/**
 * DeLong's test of two AUCs, each the mean over repeats that score the same slides in the same order. Such a
 * mean is a U-statistic of the slides like a single AUC, so that the method applies to placements averaged
 * over the repeats: one test uses all repeats without counting a slide more than once.
 * @param a scores of the first model, one list per repeat
 * @throws SamMilError as {@link delongAuc}
 */
export function delongPairOverRepeats(
  a: readonly Numbers[],
  b: readonly Numbers[],
  labels: Numbers,
): DelongPair {
  const [first, second] = [a, b].map((repeats) =>
    averagePlacements(repeats.map((scores) => placements(scores, labels))),
  );
  const entry = (x: Placements, y: Placements) =>
    covarianceOfAucs([x.overPositives, y.overPositives], [x.overNegatives, y.overNegatives]);
  const between = entry(first, second);
  const covariance: DelongPair['covariance'] = [
    [entry(first, first), between],
    [between, entry(second, second)],
  ];
  const difference = first.auc - second.auc;
  const variance = covariance[0][0] + covariance[1][1] - 2 * between;
  const z = variance > 0 ? difference / Math.sqrt(variance) : NaN;
  const margin = Z975 * Math.sqrt(Math.max(0, variance));
  return {
    aucA: first.auc,
    aucB: second.auc,
    covariance,
    difference,
    variance,
    z,
    pTwoSided: 2 * normalUpperTail(Math.abs(z)),
    difference95: [difference - margin, difference + margin],
  };
}

interface Placements {
  auc: number;
  /** For each positive, the fraction of negatives that it outranks. Ties count half. */
  overPositives: Float64Array;
  /** For each negative, the fraction of positives that outrank it. */
  overNegatives: Float64Array;
}

function averagePlacements(repeats: readonly Placements[]): Placements {
  if (repeats.length === 1) return repeats[0];
  const average = (name: 'overPositives' | 'overNegatives') =>
    repeats[0][name].map(
      (_, i) => repeats.reduce((sum, repeat) => sum + repeat[name][i], 0) / repeats.length,
    );
  const overPositives = average('overPositives');
  return { auc: mean(overPositives), overPositives, overNegatives: average('overNegatives') };
}

function placements(scores: Numbers, labels: Numbers): Placements {
  const { positives, negatives } = checkScored(scores, labels);
  if (positives < 2 || negatives < 2) {
    throw new SamMilError('InvalidInput', 'the DeLong method requires at least two slides of each class', {
      found: `${positives} positive, ${negatives} negative`,
    });
  }
  const all = midranks(scores);
  const of = (label: number) => Array.from(labels).flatMap((value, i) => (value === label ? [i] : []));
  const [pos, neg] = [of(1), of(0)];
  const [posRanks, negRanks] = [pos, neg].map((members) => midranks(members.map((i) => scores[i])));
  const overPositives = Float64Array.from(pos, (i, k) => (all[i] - posRanks[k]) / negatives);
  const overNegatives = Float64Array.from(neg, (i, k) => 1 - (all[i] - negRanks[k]) / positives);
  return { auc: mean(overPositives), overPositives, overNegatives };
}

function covarianceOfAucs(
  positives: [Float64Array, Float64Array],
  negatives: [Float64Array, Float64Array],
): number {
  return covariance(...positives) / positives[0].length + covariance(...negatives) / negatives[0].length;
}

function covariance(a: Float64Array, b: Float64Array): number {
  const [meanA, meanB] = [mean(a), mean(b)];
  return a.reduce((sum, value, i) => sum + (value - meanA) * (b[i] - meanB), 0) / (a.length - 1);
}

function mean(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function logitInterval(auc: number, sd: number): [number, number] | null {
  if (auc <= 0 || auc >= 1 || sd === 0) return null;
  const [center, margin] = [Math.log(auc / (1 - auc)), (Z975 * sd) / (auc * (1 - auc))];
  return [1 / (1 + Math.exp(margin - center)), 1 / (1 + Math.exp(-margin - center))];
}

function clip(value: number): number {
  return Math.min(1, Math.max(0, value));
}
