import { checkScored, cumulativeCounts, type Numbers } from './ranking.js';

/** Points from (0, 0) to (1, 1). `thresholds[0]` is Infinity, where nothing is called positive. */
export interface RocCurve {
  fpr: number[];
  tpr: number[];
  thresholds: number[];
}

/**
 * The point of a ROC curve with the highest Youden's J. If `threshold` is Infinity, everything is called
 * negative.
 */
export interface YoudenPoint {
  index: number;
  threshold: number;
  j: number;
}

/**
 * ROC curve over the distinct scores. With `dropIntermediate`, points on a straight line between their
 * neighbors are left out, which is the default of scikit-learn 1.3 and later; the area does not change. The
 * rates of a class without slides are NaN.
 */
export function rocCurve(scores: Numbers, labels: Numbers, dropIntermediate = true): RocCurve {
  const { positives, negatives } = checkScored(scores, labels);
  const counts = cumulativeCounts(scores, labels);
  const kept = counts.filter((_, i) => !dropIntermediate || isCorner(counts, i));
  const points = [{ threshold: Infinity, tp: 0, fp: 0 }, ...kept];
  return {
    fpr: points.map((point) => point.fp / negatives),
    tpr: points.map((point) => point.tp / positives),
    thresholds: points.map((point) => point.threshold),
  };
}

/**
 * The first and the last point, and points where the direction of the curve changes: a nonzero second
 * difference of either count.
 */
function isCorner(counts: readonly { tp: number; fp: number }[], i: number): boolean {
  if (i === 0 || i === counts.length - 1) return true;
  const [before, here, after] = [counts[i - 1], counts[i], counts[i + 1]];
  return after.tp - 2 * here.tp + before.tp !== 0 || after.fp - 2 * here.fp + before.fp !== 0;
}

/**
 * Youden's J (Youden 1950): the first corner of the curve with the largest TPR - FPR. This is the rule of the
 * benchmark; it is optimistic on the fold that is scored. Undefined if a class has no slides.
 */
export function youdenPoint(scores: Numbers, labels: Numbers): YoudenPoint | undefined {
  const { positives, negatives } = checkScored(scores, labels);
  if (positives === 0 || negatives === 0) return undefined;
  const { fpr, tpr, thresholds } = rocCurve(scores, labels);
  let index = 0;
  for (let i = 1; i < fpr.length; i++) if (fpr[i] - tpr[i] < fpr[index] - tpr[index]) index = i;
  return { index, threshold: thresholds[index], j: tpr[index] - fpr[index] };
}

/**
 * Mean of several ROC curves at common false-positive rates (vertical averaging, Fawcett 2006). Where a curve
 * is vertical, its upper end is used; a drawing should start at (0, 0).
 *
 * @param grid false-positive rates, ascending
 */
export function meanRoc(
  curves: readonly RocCurve[],
  grid: readonly number[],
): { mean: number[]; std: number[] } {
  const columns = grid.map((rate) => curves.map((curve) => tprAt(curve, rate)));
  const mean = columns.map((values) => average(values));
  const std = columns.map((values, i) => Math.sqrt(average(values.map((value) => (value - mean[i]) ** 2))));
  return { mean, std };
}

function tprAt(curve: RocCurve, rate: number): number {
  const { fpr, tpr } = curve;
  let after = fpr.findIndex((value) => value > rate);
  if (after === -1) after = fpr.length;
  const before = after - 1;
  if (after === fpr.length || fpr[before] === rate) return tpr[before];
  return tpr[before] + ((tpr[after] - tpr[before]) * (rate - fpr[before])) / (fpr[after] - fpr[before]);
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
