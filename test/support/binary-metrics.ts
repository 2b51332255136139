import assert from 'node:assert/strict';
import { brierScore, logLoss } from '../../domain/statistics/calibration.js';
import { thresholdedMetrics } from '../../domain/statistics/confusion.js';
import { auc, averagePrecision, type Numbers } from '../../domain/statistics/ranking.js';
import { near } from './endpoints.js';

/** Scores of two classes at a threshold, as in test/fixtures/endpoints. */
export interface BinaryMetrics {
  auc: number | null;
  average_precision: number | null;
  brier: number;
  log_loss: number;
  threshold: number;
  tp: number;
  fp: number;
  fn: number;
  tn: number;
  accuracy: number;
}

/** Asserts that scores and decisions give these metrics. */
export function binaryMetricsMatch(scores: Numbers, labels: Numbers, expected: BinaryMetrics): void {
  const defined = (value: number) => (Number.isNaN(value) ? null : value);
  near(defined(auc(scores, labels)), expected.auc, 'AUC');
  near(defined(averagePrecision(scores, labels)), expected.average_precision, 'AP');
  near(brierScore(scores, labels), expected.brier, 'Brier');
  near(logLoss(scores, labels), expected.log_loss, 'log loss');
  const { tp, fp, fn, tn, accuracy } = thresholdedMetrics(scores, labels, expected.threshold);
  assert.deepEqual([tp, fp, fn, tn], [expected.tp, expected.fp, expected.fn, expected.tn]);
  near(accuracy, expected.accuracy, 'accuracy');
}
