import assert from 'node:assert/strict';
import { kappa, quadraticKappa } from '../../domain/statistics/classes/agreement.js';
import { oneVersusOneAuc, oneVersusRestAuc } from '../../domain/statistics/classes/class-ranking.js';
import { classRates } from '../../domain/statistics/classes/class-rates.js';
import { mostProbable } from '../../domain/statistics/classes/class-scores.js';
import { countCalls } from '../../domain/statistics/confusion.js';
import type { Numbers } from '../../domain/statistics/ranking.js';
import { near } from './endpoints.js';

/** Scores of several classes, as in test/fixtures/endpoints. */
export interface ClassMetrics {
  predicted: number[];
  auc_ovr_macro: number;
  auc_ovo_macro: number;
  balanced_accuracy: number;
  macro_f1: number;
  kappa: number;
  kappa_quadratic: number;
  confusion?: number[][];
}

/** Asserts that probabilities give these metrics. */
export function classMetricsMatch(
  probabilities: readonly Numbers[],
  labels: readonly number[],
  expected: ClassMetrics,
): void {
  const classes = probabilities[0].length;
  const scores = { probabilities, labels, classes };
  near(oneVersusRestAuc(scores).macro, expected.auc_ovr_macro, 'one-vs-rest');
  near(oneVersusOneAuc(scores).macro, expected.auc_ovo_macro, 'one-vs-one');
  const called = probabilities.map(mostProbable);
  assert.deepEqual(called, expected.predicted);
  const matrix = countCalls(called, labels, classes);
  if (expected.confusion) assert.deepEqual(matrix, expected.confusion);
  near(classRates(matrix).balancedAccuracy, expected.balanced_accuracy, 'balanced accuracy');
  near(classRates(matrix).macro.f1, expected.macro_f1, 'macro F1');
  near(kappa(matrix), expected.kappa, 'kappa');
  near(quadraticKappa(matrix), expected.kappa_quadratic, 'quadratic kappa');
}
