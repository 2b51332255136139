import { undefinedBecause, type Estimate } from '../../statistics/estimate.js';
import type { Numbers } from '../../statistics/ranking.js';
import { youdenPoint } from '../../statistics/roc.js';
import { riskThreshold } from '../../statistics/survival/median-split.js';

/** Scores of the validation set of one fold. */
export interface ValidationScores {
  /** Probability of the positive class. */
  scores: Numbers;
  /** 0 or 1. */
  labels: Numbers;
}

/**
 * Threshold for another cohort: Youden's on the validation scores of all folds together. A score of at least
 * the threshold is positive.
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function pooledThreshold(folds: readonly ValidationScores[]): Estimate {
  const scores = folds.flatMap((fold) => Array.from(fold.scores));
  const labels = folds.flatMap((fold) => Array.from(fold.labels));
  const point = youdenPoint(scores, labels);
  if (point === undefined) return undefinedBecause('the validation sets do not have both classes');
  if (point.threshold === Infinity) {
    return undefinedBecause('the validation sets are ranked no better than by chance');
  }
  return { value: point.threshold };
}

/**
 * Threshold for another cohort: the mean of the folds' own thresholds. Undefined if a fold has none.
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function meanThreshold(folds: readonly ValidationScores[]): Estimate {
  if (folds.length === 0) return undefinedBecause('there are no folds');
  let sum = 0;
  for (const [fold, scores] of folds.entries()) {
    const own = pooledThreshold([scores]);
    if (own.value === null) return undefinedBecause(`fold ${fold}: ${own.why}`);
    sum += own.value;
  }
  return { value: sum / folds.length };
}

/**
 * Threshold between low and high risk for another cohort: the median of the out-of-fold risks of all folds.
 * A risk above it is high.
 * @throws SamMilError InvalidInput
 */
export function pooledRiskThreshold(folds: readonly Numbers[]): number {
  return riskThreshold(folds.flatMap((risks) => Array.from(risks)));
}
