import { SamMilError } from '../errors.js';

/** Any array of numbers: plain or typed. */
export type Numbers = ArrayLike<number>;

/**
 * Area under the ROC curve from the rank sum (Mann and Whitney 1947): P(s+ > s-) + P(s+ = s-) / 2. Ties count
 * half, as in `roc_auc_score` of scikit-learn.
 *
 * @param scores one finite number per slide; larger means more likely positive
 * @param labels 0 or 1, same length
 * @returns 0 to 1; NaN if a class is missing (callers show it as "not defined")
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function auc(scores: Numbers, labels: Numbers): number {
  const { positives, negatives } = checkScored(scores, labels);
  if (positives === 0 || negatives === 0) return NaN;
  const ranks = midranks(scores);
  let rankSum = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === 1) rankSum += ranks[i];
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/**
 * Ranks values from 1. Tied values share the mean of their ranks.
 * @returns Float64Array of the length of `values`
 */
export function midranks(values: Numbers): Float64Array {
  const order = ascendingOrder(values);
  const ranks = new Float64Array(values.length);
  for (let start = 0; start < order.length;) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) ranks[order[i]] = (start + 1 + end) / 2;
    start = end;
  }
  return ranks;
}

/**
 * Indices that sort `values` in ascending order. Equal values keep their order, so the result does not depend
 * on the JavaScript engine.
 */
export function ascendingOrder(values: Numbers): Uint32Array {
  return Uint32Array.from({ length: values.length }, (_, index) => index).sort(
    (a, b) => values[a] - values[b] || a - b,
  );
}

/**
 * Average precision: sum of (recall step) x precision over the distinct thresholds, from the highest, without
 * interpolation, as in `average_precision_score` of scikit-learn. NaN if there are no positives.
 */
export function averagePrecision(scores: Numbers, labels: Numbers): number {
  const { positives } = checkScored(scores, labels);
  if (positives === 0) return NaN;
  let area = 0;
  let before = 0;
  for (const { tp, fp } of cumulativeCounts(scores, labels)) {
    area += ((tp - before) / positives) * (tp / (tp + fp));
    before = tp;
  }
  // The steps of a perfect ranking can add up to slightly more than 1.
  return Math.min(1, area);
}

/** True and false positives when every score >= `threshold` is called positive. */
export interface CumulativeCount {
  threshold: number;
  tp: number;
  fp: number;
}

/** Returns one entry per distinct score, from the highest to the lowest. */
export function cumulativeCounts(scores: Numbers, labels: Numbers): CumulativeCount[] {
  const order = ascendingOrder(scores);
  const counts: CumulativeCount[] = [];
  let [tp, fp] = [0, 0];
  for (let i = order.length - 1; i >= 0; i--) {
    const at = order[i];
    if (labels[at] === 1) tp++;
    else fp++;
    if (i === 0 || scores[order[i - 1]] !== scores[at]) counts.push({ threshold: scores[at], tp, fp });
  }
  return counts;
}

/**
 * Counts each class and rejects invalid scores and labels.
 * @throws SamMilError CountMismatch (lengths differ), InvalidInput (a label that is not 0 or 1, a score that
 *   is not finite)
 */
export function checkScored(scores: Numbers, labels: Numbers): { positives: number; negatives: number } {
  if (scores.length !== labels.length) {
    throw new SamMilError('CountMismatch', 'scores and labels must have the same length', {
      expected: `${labels.length} scores, one per label`,
      found: `${scores.length}`,
    });
  }
  let positives = 0;
  for (let i = 0; i < labels.length; i++) {
    if (!Number.isFinite(scores[i])) throw notScorable(i, 'a finite score', scores[i]);
    if (labels[i] !== 0 && labels[i] !== 1) throw notScorable(i, 'a label of 0 or 1', labels[i]);
    positives += labels[i];
  }
  return { positives, negatives: labels.length - positives };
}

function notScorable(index: number, expected: string, found: number): SamMilError {
  return new SamMilError('InvalidInput', `row ${index} cannot be scored`, { expected, found: `${found}` });
}
