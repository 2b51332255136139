import { checkScored, type Numbers } from './ranking.js';

/**
 * Metrics when every slide with score >= threshold is called positive. A rate is NaN where it is undefined:
 * the rates of a class without slides, and the precision of a class that is never called. Means over classes
 * leave those out, as scikit-learn's `balanced_accuracy_score`, and `zero_division=nan` of its other scores.
 */
export interface ThresholdedMetrics {
  tp: number;
  fp: number;
  fn: number;
  tn: number;
  accuracy: number;
  /** Precision, recall and F1 are those of the positive class. */
  precision: number;
  recall: number;
  specificity: number;
  f1: number;
  balancedAccuracy: number;
  /** Unweighted means over both classes. */
  macro: { precision: number; recall: number; f1: number };
}

/**
 * Computes metrics at a threshold.
 * @param threshold slides with score >= threshold are called positive; with Infinity, none are
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function thresholdedMetrics(scores: Numbers, labels: Numbers, threshold: number): ThresholdedMetrics {
  checkScored(scores, labels);
  const counts = { tp: 0, fp: 0, fn: 0, tn: 0 };
  for (let i = 0; i < labels.length; i++) {
    const called = scores[i] >= threshold;
    if (labels[i] === 1) counts[called ? 'tp' : 'fn']++;
    else counts[called ? 'fp' : 'tn']++;
  }
  return computeRates(counts);
}

function computeRates(counts: { tp: number; fp: number; fn: number; tn: number }): ThresholdedMetrics {
  const { tp, fp, fn, tn } = counts;
  const positive = classRates(tp, fp, fn);
  const negative = classRates(tn, fn, fp);
  return {
    ...counts,
    accuracy: ratio(tp + tn, tp + fp + fn + tn),
    ...positive,
    specificity: negative.recall,
    ...classMeans([negative, positive]),
  };
}

/** Confusion matrix: matrix[true][called] is a number of slides. */
export function countCalls(called: Numbers, labels: Numbers, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (let i = 0; i < labels.length; i++) matrix[labels[i]][called[i]]++;
  return matrix;
}

interface ClassRates {
  precision: number;
  recall: number;
  f1: number;
}

/** Without slides of the class, an F1 or precision of 0 would say nothing about how the class is found. */
function classRates(tp: number, fp: number, fn: number): ClassRates {
  if (tp + fn === 0) return { precision: NaN, recall: NaN, f1: NaN };
  return { precision: ratio(tp, tp + fp), recall: ratio(tp, tp + fn), f1: ratio(2 * tp, 2 * tp + fp + fn) };
}

/** Unweighted means over the classes in which a rate is defined. */
function classMeans(rates: readonly ClassRates[]): Pick<ThresholdedMetrics, 'balancedAccuracy' | 'macro'> {
  const mean = (pick: keyof ClassRates) => {
    const defined = rates.map((rate) => rate[pick]).filter((value) => !Number.isNaN(value));
    return ratio(defined.reduce((sum, value) => sum + value, 0), defined.length); // prettier-ignore
  };
  const macro = { precision: mean('precision'), recall: mean('recall'), f1: mean('f1') };
  return { balancedAccuracy: macro.recall, macro };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? NaN : part / whole;
}
