import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  kappa,
  matthewsCorrelation,
  quadraticKappa,
} from '../../../../domain/statistics/classes/agreement.js';
import { classLosses, topLabelCalibration } from '../../../../domain/statistics/classes/class-calibration.js';
import {
  classAveragePrecision,
  classRocCurves,
  oneVersusOneAuc,
  oneVersusRestAuc,
} from '../../../../domain/statistics/classes/class-ranking.js';
import { classRates } from '../../../../domain/statistics/classes/class-rates.js';
import { gradeOf, meanGradeError } from '../../../../domain/statistics/classes/grades.js';
import { regressionMetrics } from '../../../../domain/statistics/regression/regression-metrics.js';
import { near, nearAll } from '../../../support/endpoints.js';
import { hasCode } from '../../mil/support.js';

test('without bags, every score of several classes is null with the reason', () => {
  const none = { probabilities: [], labels: [], classes: 3 };
  const rest = oneVersusRestAuc(none);
  nearAll([...rest.auc, rest.macro, rest.weighted], [null, null, null, null, null], 'one-vs-rest');
  const one = oneVersusOneAuc(none);
  assert.deepEqual(one.pairs, []);
  nearAll([one.macro, one.weighted, classAveragePrecision(none).macro], [null, null, null], 'means');
  assert.ok(classRocCurves(none).every(({ value }) => value === null));
  const { ece, mce } = topLabelCalibration(none, 10);
  const { logLoss, brier } = classLosses(none);
  nearAll([ece, mce, logLoss, brier], [null, null, null, null], 'losses');
  const empty = [
    [0, 0],
    [0, 0],
  ];
  const rates = classRates(empty);
  nearAll([rates.accuracy, rates.balancedAccuracy, rates.macro.f1, rates.weighted.recall], [null, null, null, null], 'rates'); // prettier-ignore
  nearAll([kappa(empty), quadraticKappa(empty), matthewsCorrelation(empty)], [null, null, null], 'agreement');
  near(meanGradeError([], []), null, 'grades');
});

test('a class without bags has no curve, the others keep theirs', () => {
  const scores = { probabilities: [[0.7, 0.2, 0.1], [0.2, 0.7, 0.1]], labels: [0, 1], classes: 3 }; // prettier-ignore
  assert.deepEqual(
    classRocCurves(scores).map(({ value }) => value === null),
    [false, false, true],
  );
  const [, , absent] = oneVersusRestAuc(scores).auc;
  assert.deepEqual(absent, { value: null, why: 'no bag of class 2' });
  const [only] = oneVersusRestAuc({ probabilities: [[1, 0]], labels: [0], classes: 2 }).auc;
  assert.deepEqual(only, { value: null, why: 'no bag of another class than 0' });
});

test('invalid rows are refused with their number', () => {
  const refused = (probabilities: number[][], labels: number[], message: RegExp) =>
    assert.throws(
      () => oneVersusRestAuc({ probabilities, labels, classes: 2 }),
      hasCode('InvalidInput', message),
    );
  refused([[0.5, 0.5], [1]], [0, 1], /row 1 .*expected 2 finite probabilities; found 1/);
  refused([[0.5, NaN]], [0], /row 0 .*found 0.5, NaN/);
  refused([[0.5, 0.5]], [2], /row 0 .*expected a class from 0 to 1; found 2/);
  assert.throws(
    () => classLosses({ probabilities: [], labels: [0], classes: 2 }),
    hasCode('CountMismatch', /same length/),
  );
});

test('an output beyond the grades takes the nearest one', () => {
  assert.deepEqual([-3, 0.4999, 3.5, 99].map((output) => gradeOf(output, 4)), [0, 0, 3, 3]); // prettier-ignore
});

test('regression without bags, with one bag or with constants has undefined scores', () => {
  const none = regressionMetrics([], []);
  nearAll([none.mae, none.mse, none.rmse, none.r2, none.pearson.r, none.spearman.p], [null, null, null, null, null, null], 'none'); // prettier-ignore
  // The mean of ten times 0.1 is not 0.1, which would give a constant a tiny variance.
  const constant = new Array<number>(10).fill(0.1);
  const varied = constant.map((_, i) => i);
  near(regressionMetrics(varied, constant).r2, null, 'R2');
  near(regressionMetrics(varied, constant).pearson.r, null, 'constant target');
  near(regressionMetrics(constant, varied).spearman.r, null, 'constant prediction');
  assert.throws(() => regressionMetrics([1], []), hasCode('CountMismatch', /same length/));
  assert.throws(() => regressionMetrics([1], [NaN]), hasCode('InvalidInput', /row 0.*found 1 and NaN/));
});
