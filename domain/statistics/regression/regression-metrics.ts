import { SamMilError } from '../../errors.js';
import { undefinedBecause, type Estimate } from '../estimate.js';
import type { Numbers } from '../ranking.js';
import { pearson, spearman, type Correlation } from './correlation.js';

/** Scores of predicted values, in the unit of the target unless stated. */
export interface RegressionMetrics {
  bags: number;
  /** Mean absolute error. */
  mae: Estimate;
  /** Mean squared error, in the squared unit. */
  mse: Estimate;
  rmse: Estimate;
  /** 1 - SSres / SStot about the mean of the targets given; undefined for constant targets. */
  r2: Estimate;
  pearson: Correlation;
  spearman: Correlation;
}

/**
 * Regression scores.
 * @throws SamMilError CountMismatch, InvalidInput (a value that is not finite)
 */
export function regressionMetrics(predictions: Numbers, targets: Numbers): RegressionMetrics {
  checkRegression(predictions, targets);
  const bags = targets.length;
  const correlations = { pearson: pearson(predictions, targets), spearman: spearman(predictions, targets) };
  if (bags === 0) {
    const none = undefinedBecause('there are no bags');
    return { bags, mae: none, mse: none, rmse: none, r2: none, ...correlations };
  }
  let [absolute, squared] = [0, 0];
  for (let i = 0; i < bags; i++) {
    absolute += Math.abs(predictions[i] - targets[i]);
    squared += (predictions[i] - targets[i]) ** 2;
  }
  return {
    bags,
    mae: { value: absolute / bags },
    mse: { value: squared / bags },
    rmse: { value: Math.sqrt(squared / bags) },
    r2: rSquared(squared, targets),
    ...correlations,
  };
}

function rSquared(residual: number, targets: Numbers): Estimate {
  const values = Array.from(targets);
  if (values.length < 2) return undefinedBecause('fewer than two bags');
  if (values.every((value) => value === values[0])) return undefinedBecause('the targets are constant');
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { value: 1 - residual / values.reduce((sum, value) => sum + (value - mean) ** 2, 0) };
}

function checkRegression(predictions: Numbers, targets: Numbers): void {
  if (predictions.length !== targets.length) {
    throw new SamMilError('CountMismatch', 'predictions and targets must have the same length', {
      expected: `${targets.length} predictions, one per target`,
      found: `${predictions.length}`,
    });
  }
  for (let i = 0; i < targets.length; i++) {
    if (Number.isFinite(predictions[i]) && Number.isFinite(targets[i])) continue;
    throw new SamMilError('InvalidInput', `row ${i} cannot be scored`, {
      expected: 'a finite prediction and a finite target',
      found: `${predictions[i]} and ${targets[i]}`,
    });
  }
}
