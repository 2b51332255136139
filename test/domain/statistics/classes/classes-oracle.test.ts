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
import { mostProbable } from '../../../../domain/statistics/classes/class-scores.js';
import { gradeOf, meanGradeError } from '../../../../domain/statistics/classes/grades.js';
import { countCalls } from '../../../../domain/statistics/confusion.js';
import { endpointOracle, near, nearAll } from '../../../support/endpoints.js';

type Row = (number | null)[];

interface Case {
  name: string;
  classes: number;
  labels: number[];
  probabilities: number[][];
  predicted: number[];
  support: number[];
  auc_one_vs_rest: Row;
  auc_ovr_macro: number | null;
  auc_ovr_weighted: number | null;
  auc_one_vs_one: { classes: number[]; auc_a: number; auc_b: number; mean: number; n: number }[];
  auc_ovo_macro: number | null;
  auc_ovo_weighted: number | null;
  average_precision: Row;
  average_precision_macro: number | null;
  confusion: number[][];
  accuracy: number;
  precision: number[];
  recall: number[];
  f1: number[];
  balanced_accuracy: number;
  macro_precision: number;
  macro_recall: number;
  macro_f1: number;
  weighted_f1: number;
  kappa: number | null;
  kappa_quadratic: number | null;
  mcc: number;
  log_loss: number;
  brier: number;
  calibration: Record<
    string,
    { ece: number; mce: number; bins: { count: number; mean_confidence: number; accuracy: number }[] }
  >;
  roc?: { fpr: number[]; tpr: number[]; thresholds: Row }[];
}

const { cases } = endpointOracle('multiclass') as { cases: Case[] };

for (const expected of cases) {
  test(`ranking of several classes equals scikit-learn: ${expected.name}`, () => {
    const rest = oneVersusRestAuc(expected);
    nearAll(rest.auc, expected.auc_one_vs_rest, 'one-vs-rest');
    near(rest.macro, expected.auc_ovr_macro, 'macro');
    near(rest.weighted, expected.auc_ovr_weighted, 'weighted');
    const one = oneVersusOneAuc(expected);
    assert.deepEqual(
      one.pairs.map(({ classes, bags }) => ({ classes, bags })),
      expected.auc_one_vs_one.map(({ classes, n }) => ({ classes, bags: n })),
    );
    one.pairs.forEach(({ aucA, aucB, mean }, i) => {
      const pair = expected.auc_one_vs_one[i];
      nearAll([aucA, aucB, mean], [pair.auc_a, pair.auc_b, pair.mean], `pair ${i}`);
    });
    near(one.macro, expected.auc_ovo_macro, 'one-vs-one macro');
    near(one.weighted, expected.auc_ovo_weighted, 'one-vs-one weighted');
    const precision = classAveragePrecision(expected);
    nearAll(precision.averagePrecision, expected.average_precision, 'AP');
    near(precision.macro, expected.average_precision_macro, 'AP macro');
    expected.roc?.forEach((roc, k) => {
      const curve = classRocCurves(expected)[k].value;
      assert.ok(curve);
      nearAll(curve.fpr, roc.fpr, 'fpr');
      nearAll(curve.tpr, roc.tpr, 'tpr');
      const thresholds = curve.thresholds.map((value) => (value === Infinity ? null : value));
      nearAll(thresholds, roc.thresholds, 'thresholds');
    });
  });

  test(`called classes and their rates equal scikit-learn: ${expected.name}`, () => {
    const called = expected.probabilities.map(mostProbable);
    assert.deepEqual(called, expected.predicted);
    const matrix = countCalls(called, expected.labels, expected.classes);
    assert.deepEqual(matrix, expected.confusion);
    const rates = classRates(matrix);
    const column = (name: 'precision' | 'recall' | 'f1' | 'support') =>
      rates.perClass.map((row) => row[name]);
    assert.deepEqual(column('support'), expected.support);
    nearAll(column('precision'), expected.precision, 'precision');
    nearAll(column('recall'), expected.recall, 'recall');
    nearAll(column('f1'), expected.f1, 'F1');
    near(rates.accuracy, expected.accuracy, 'accuracy');
    near(rates.balancedAccuracy, expected.balanced_accuracy, 'balanced accuracy');
    near(rates.macro.precision, expected.macro_precision, 'macro precision');
    near(rates.macro.recall, expected.macro_recall, 'macro recall');
    near(rates.macro.f1, expected.macro_f1, 'macro F1');
    near(rates.weighted.f1, expected.weighted_f1, 'weighted F1');
    near(kappa(matrix), expected.kappa, 'kappa');
    near(quadraticKappa(matrix), expected.kappa_quadratic, 'quadratic kappa');
    near(matthewsCorrelation(matrix), expected.mcc, 'MCC');
  });

  test(`losses and top-label calibration equal the oracle: ${expected.name}`, () => {
    const losses = classLosses(expected);
    near(losses.logLoss, expected.log_loss, 'log loss');
    near(losses.brier, expected.brier, 'Brier');
    for (const [bins, calibration] of Object.entries(expected.calibration)) {
      const actual = topLabelCalibration(expected, Number(bins));
      near(actual.ece, calibration.ece, `ECE of ${bins}`);
      near(actual.mce, calibration.mce, `MCE of ${bins}`);
      calibration.bins.forEach(({ count, mean_confidence, accuracy }, i) => {
        assert.equal(actual.bins[i].count, count);
        near(actual.bins[i].meanScore, mean_confidence, `confidence of bin ${i}`);
        near(actual.bins[i].positiveRate, accuracy, `accuracy of bin ${i}`);
      });
    }
  });
}

interface Ordinal {
  rounding: { output: number[]; classes: number; grade: number[] };
  cases: {
    name: string;
    classes: number;
    target: number[];
    predicted: number[];
    confusion: number[][];
    kappa_quadratic: number | null;
    kappa: number | null;
    accuracy: number;
    mean_absolute_grade_error: number;
  }[];
}

const ordinal = endpointOracle('ordinal') as Ordinal;

for (const expected of ordinal.cases) {
  test(`agreement of grades counts the distance over all grades: ${expected.name}`, () => {
    const matrix = countCalls(expected.predicted, expected.target, expected.classes);
    assert.deepEqual(matrix, expected.confusion);
    near(quadraticKappa(matrix), expected.kappa_quadratic, 'quadratic kappa');
    near(kappa(matrix), expected.kappa, 'kappa');
    near(classRates(matrix).accuracy, expected.accuracy, 'accuracy');
    near(meanGradeError(expected.predicted, expected.target), expected.mean_absolute_grade_error, 'error');
  });
}

test('a regression output becomes a grade with halves rounded up, within the grades', () => {
  const { output, classes, grade } = ordinal.rounding;
  assert.deepEqual(
    output.map((value) => gradeOf(value, classes)),
    grade,
  );
});
