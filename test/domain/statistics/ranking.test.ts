import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  brierScore,
  calibrationBins,
  expectedCalibrationError,
  logLoss,
} from '../../../domain/statistics/calibration.js';
import { thresholdedMetrics } from '../../../domain/statistics/confusion.js';
import { delongAuc, delongPair } from '../../../domain/statistics/delong.js';
import { auc, averagePrecision } from '../../../domain/statistics/ranking.js';
import { meanRoc, rocCurve, youdenPoint } from '../../../domain/statistics/roc.js';
import { hasCode } from '../mil/support.js';
import { fixture } from '../../support/fixtures.js';

interface Oracle {
  cases: OracleCase[];
  paired: (Record<'labels' | 'a' | 'b', number[]> & {
    auc_a: number;
    auc_b: number;
    cov: number[][];
    diff: number;
    var_diff: number;
    z: number;
    p_two_sided: number;
    ci95_diff: number[];
  })[];
  t_ci: { values: number[]; t975: number }[];
}

type Thresholded = Record<
  | 'tp'
  | 'fp'
  | 'fn'
  | 'tn'
  | 'accuracy'
  | 'precision'
  | 'recall'
  | 'f1'
  | 'specificity'
  | 'balanced_accuracy',
  number
> & { macro: Record<string, number> };

interface OracleCase {
  name: string;
  labels: number[];
  scores: number[];
  auc: number;
  average_precision: number;
  log_loss: number;
  brier: number;
  roc: { fpr: number[]; tpr: number[]; thresholds: (number | null)[] };
  youden: Thresholded & { index: number; threshold: number | null; j: number };
  at_half: Thresholded;
  delong: { variance: number; sd: number; wald95: number[]; logit95: number[] | null };
}

const oracle = JSON.parse(readFileSync(fixture('mil/metrics.json'), 'utf8')) as Oracle;

function near(actual: number, expected: number, what: string): void {
  assert.ok(Math.abs(actual - expected) <= 1e-9, `${what}: ${actual} is not within 1e-9 of ${expected}`);
}

function nearAll(actual: ArrayLike<number>, expected: readonly number[], what: string): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  expected.forEach((value, i) => near(actual[i], value, `${what}[${i}]`));
}

function sameRates(actual: ReturnType<typeof thresholdedMetrics>, expected: Thresholded, what: string): void {
  for (const key of ['tp', 'fp', 'fn', 'tn'] as const)
    assert.equal(actual[key], expected[key], `${what} ${key}`);
  for (const key of ['accuracy', 'recall', 'f1', 'specificity'] as const) {
    near(actual[key], expected[key], `${what} ${key}`);
  }
  near(actual.balancedAccuracy, expected.balanced_accuracy, `${what} balanced accuracy`);
  for (const key of ['recall', 'f1'] as const) near(actual.macro[key], expected.macro[key], `${what} ${key}`);
  // The oracle has zero_division=0, which counts the precision of a class that is never called as 0.
  const called = [expected.tp + expected.fp, expected.tn + expected.fn].filter((count) => count > 0).length;
  near(actual.macro.precision, (2 / called) * expected.macro.precision, `${what} macro precision`);
  if (expected.tp + expected.fp > 0) near(actual.precision, expected.precision, `${what} precision`);
  else assert.ok(Number.isNaN(actual.precision));
}

for (const { name, scores, labels, ...expected } of oracle.cases) {
  test(`metrics equal scikit-learn's: ${name}`, () => {
    near(auc(scores, labels), expected.auc, 'auc');
    near(averagePrecision(scores, labels), expected.average_precision, 'average precision');
    near(logLoss(scores, labels), expected.log_loss, 'log loss');
    near(brierScore(scores, labels), expected.brier, 'brier');
    const roc = rocCurve(scores, labels);
    nearAll(roc.fpr, expected.roc.fpr, 'fpr');
    nearAll(roc.tpr, expected.roc.tpr, 'tpr');
    nearAll(roc.thresholds.slice(1), expected.roc.thresholds.slice(1) as number[], 'thresholds');
    assert.equal(roc.thresholds[0], Infinity);
  });

  test(`thresholds and DeLong equal the oracle: ${name}`, () => {
    const youden = youdenPoint(scores, labels);
    assert.ok(youden);
    assert.equal(youden.index, expected.youden.index);
    assert.equal(youden.threshold, expected.youden.threshold ?? Infinity);
    near(youden.j, expected.youden.j, 'j');
    sameRates(thresholdedMetrics(scores, labels, youden.threshold), expected.youden, 'youden');
    sameRates(thresholdedMetrics(scores, labels, 0.5), expected.at_half, 'at 0.5');
    const delong = delongAuc(scores, labels);
    near(delong.auc, expected.auc, 'delong auc');
    near(delong.variance, expected.delong.variance, 'variance');
    near(delong.sd, expected.delong.sd, 'sd');
    nearAll(delong.wald95, expected.delong.wald95, 'wald');
    if (expected.delong.logit95 === null) assert.equal(delong.logit95, null);
    else nearAll(delong.logit95!, expected.delong.logit95, 'logit');
  });
}

test('paired DeLong equals the oracle, small p-values included', () => {
  for (const pair of oracle.paired) {
    const result = delongPair(pair.a, pair.b, pair.labels);
    near(result.aucA, pair.auc_a, 'auc a');
    near(result.aucB, pair.auc_b, 'auc b');
    nearAll(result.covariance.flat(), pair.cov.flat(), 'covariance');
    near(result.difference, pair.diff, 'difference');
    near(result.variance, pair.var_diff, 'variance');
    near(result.z, pair.z, 'z');
    near(result.pTwoSided / pair.p_two_sided, 1, 'p, relative');
    nearAll(result.difference95, pair.ci95_diff, 'interval');
  }
});

test('without one class, the AUC is undefined and there is no Youden point', () => {
  assert.ok(Number.isNaN(auc([0.1, 0.9], [1, 1])));
  assert.equal(youdenPoint([0.1, 0.9], [0, 0]), undefined);
  assert.ok(Number.isNaN(averagePrecision([0.1, 0.9], [0, 0])));
  assert.throws(
    () => delongAuc([0.1, 0.2, 0.9], [0, 0, 1]),
    hasCode('InvalidInput', /two slides of each class/),
  );
});

test('invalid scores and labels are rejected with their row', () => {
  assert.throws(() => auc([0.1], [0, 1]), hasCode('CountMismatch', /2 scores.*found 1/));
  assert.throws(() => auc([0.1, NaN], [0, 1]), hasCode('InvalidInput', /row 1.*finite score.*NaN/));
  assert.throws(() => auc([0.1, 0.2], [0, 2]), hasCode('InvalidInput', /row 1.*0 or 1.*found 2/));
});

test('rates of an absent class are undefined and left out of the means over classes, as in scikit-learn', () => {
  // balanced_accuracy_score([0, 0, 0], [0, 0, 1]) is 2/3; recall_score(..., zero_division=nan) is nan.
  const negative = thresholdedMetrics([0.1, 0.2, 0.9], [0, 0, 0], 0.5);
  const { precision, recall, f1, specificity, balancedAccuracy, macro, accuracy } = negative;
  assert.deepEqual([precision, recall, f1], [NaN, NaN, NaN]);
  near(specificity, 2 / 3, 'specificity');
  near(balancedAccuracy, 2 / 3, 'balanced accuracy');
  near(accuracy, 2 / 3, 'accuracy');
  assert.deepEqual([macro.recall, macro.precision, macro.f1], [2 / 3, 1, 0.8]);
  assert.ok(Number.isNaN(thresholdedMetrics([0.1, 0.9], [1, 1], 0.5).specificity));
  // f1_score([0, 1], [0, 0]) is 0: both slides count. precision_score(..., zero_division=nan) is nan.
  const silent = thresholdedMetrics([0.1, 0.2], [0, 1], 0.5);
  assert.deepEqual([silent.precision, silent.recall, silent.f1], [NaN, 0, 0]);
});

test('calibration bins and expected calibration error equal hand-computed values', () => {
  const bins = calibrationBins([0.05, 0.1, 0.95, 1], [0, 1, 1, 1]);
  assert.deepEqual(
    bins.map((bin) => bin.count),
    [1, 1, 0, 0, 0, 0, 0, 0, 0, 2],
  );
  near(expectedCalibrationError(bins), (0.05 + 0.9 + 2 * 0.025) / 4, 'ece');
});

test('the mean ROC curve is the mean TPR at each FPR', () => {
  const steep = rocCurve([3, 2, 1, 0], [1, 1, 0, 0]);
  const flat = rocCurve([1, 1, 1, 1], [1, 1, 0, 0]);
  const { mean, std } = meanRoc([steep, flat], [0, 0.5, 1]);
  nearAll(mean, [0.5, 0.75, 1], 'mean');
  nearAll(std, [0.5, 0.25, 0], 'std');
});

test('a perfect ranking has an average precision of at most 1, for any number of slides', () => {
  for (let n = 1; n <= 200; n++) {
    const labels = Array.from({ length: 2 * n }, (_, i) => (i < n ? 1 : 0));
    const value = averagePrecision(
      labels.map((label, i) => label - i / 1e6),
      labels,
    );
    assert.ok(value <= 1 && value > 1 - 1e-12, `${n}: ${value}`);
  }
});
