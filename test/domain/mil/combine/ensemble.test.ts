import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  meanOfFolds,
  meanOfSoftmax,
  meanOfStandardized,
  scaleOf,
  softmaxOfMeanLogits,
  spreadOfFolds,
} from '../../../../domain/mil/combine/ensemble.js';
import {
  meanThreshold,
  pooledRiskThreshold,
  pooledThreshold,
} from '../../../../domain/mil/combine/locked-threshold.js';
import { softmax } from '../../../../domain/mil/compute/host-math.js';
import { curveFromLogits } from '../../../../domain/mil/targets/hazard-loss.js';
import { regressionMetrics } from '../../../../domain/statistics/regression/regression-metrics.js';
import { harrellConcordance } from '../../../../domain/statistics/survival/concordance.js';
import { riskOfCurve } from '../../../../domain/statistics/survival/hazard-curve.js';
import { aboveThreshold } from '../../../../domain/statistics/survival/median-split.js';
import { binaryMetricsMatch, type BinaryMetrics } from '../../../support/binary-metrics.js';
import { classMetricsMatch, type ClassMetrics } from '../../../support/class-metrics.js';
import { endpointOracle, near, nearAll, nearP } from '../../../support/endpoints.js';
import { hasCode } from '../support.js';

type Fold = number[][];

interface Way {
  score: number[];
  at_pooled_threshold: BinaryMetrics;
  at_mean_threshold: BinaryMetrics;
  by_site: Record<string, BinaryMetrics>;
}

interface Binary {
  fold_logits: Fold[];
  labels: number[];
  site: string[];
  validation: { labels: number[]; logits: number[][] }[];
  fold_thresholds: number[];
  pooled_threshold: number;
  mean_threshold: number;
  mean_of_probabilities: Way;
  mean_of_logits: Way;
  spread_over_folds: number[];
}

interface ClassWay extends ClassMetrics {
  probabilities: number[][];
}

interface Classes {
  fold_logits: Fold[];
  labels: number[];
  mean_of_probabilities: ClassWay;
  mean_of_logits: ClassWay;
}

interface RiskWay {
  risk: number[];
  cindex: number;
}

interface Hazards {
  fold_logits: Fold[];
  times: number[];
  events: number[];
  mean_of_survival: RiskWay & { survival: number[][]; high: number[] };
  mean_of_logits: RiskWay & { survival: number[][]; high: number[] };
  out_of_fold_risks: number[];
  threshold: number;
}

interface Cox {
  fold_logits: number[][];
  training_mean: number[];
  training_sd: number[];
  times: number[];
  events: number[];
  mean_of_logits: RiskWay;
  mean_of_standardised_logits: RiskWay;
}

interface Regression {
  fold_outputs: number[][];
  target: number[];
  mean: number[];
  spread_over_folds: number[];
  mae: number;
  mse: number;
  rmse: number;
  r2: number;
  pearson: number;
  pearson_p: number;
  spearman: number;
  spearman_p: number;
}

const { cases } = endpointOracle('ensemble') as { cases: { name: string }[] };

function caseOf<T>(name: string): T {
  const found = cases.find((one) => one.name === name);
  assert.ok(found, name);
  return found as T;
}

/** What each fold says of each bag: [bag][fold]. */
function byBag<T>(folds: readonly (readonly T[])[]): T[][] {
  return folds[0].map((_, bag) => folds.map((rows) => rows[bag]));
}

test('an ensemble of two classes scores another cohort at a threshold that it has not seen', () => {
  const expected = caseOf<Binary>('binary');
  const validation = expected.validation.map(({ labels, logits }) => ({
    labels,
    scores: logits.map((row) => softmax(row)[1]),
  }));
  nearAll(
    validation.map((fold) => pooledThreshold([fold])),
    expected.fold_thresholds,
    'thresholds',
  );
  near(pooledThreshold(validation), expected.pooled_threshold, 'pooled');
  near(meanThreshold(validation), expected.mean_threshold, 'mean');
  const bags = byBag(expected.fold_logits);
  const ways = [
    [expected.mean_of_probabilities, bags.map((folds) => meanOfSoftmax(folds)[1])],
    [expected.mean_of_logits, bags.map((folds) => softmaxOfMeanLogits(folds)[1])],
  ] as const;
  for (const [way, scores] of ways) {
    nearAll(scores, way.score, 'score');
    binaryMetricsMatch(scores, expected.labels, way.at_pooled_threshold);
    binaryMetricsMatch(scores, expected.labels, way.at_mean_threshold);
    for (const [site, metrics] of Object.entries(way.by_site)) {
      const rows = expected.site.flatMap((own, i) => (own === site ? [i] : []));
      const of = (values: readonly number[]) => rows.map((row) => values[row]);
      binaryMetricsMatch(of(scores), of(expected.labels), metrics);
    }
  }
  const spread = bags.map((folds) => spreadOfFolds(folds.map((row) => softmax(row)[1])));
  nearAll(spread, expected.spread_over_folds, 'spread');
});

test('an ensemble of three classes decides by mean probabilities or by mean logits', () => {
  const { fold_logits, labels, ...expected } = caseOf<Classes>('three_classes');
  const bags = byBag(fold_logits);
  const ways = [
    [expected.mean_of_probabilities, bags.map(meanOfSoftmax)],
    [expected.mean_of_logits, bags.map(softmaxOfMeanLogits)],
  ] as const;
  for (const [way, probabilities] of ways) {
    probabilities.forEach((row, i) => nearAll(row, way.probabilities[i], `bag ${i}`));
    classMetricsMatch(probabilities, labels, way);
  }
});

test('the mean of survival curves has the mean of the risks', () => {
  const expected = caseOf<Hazards>('survival_discrete');
  const bags = byBag(expected.fold_logits);
  const threshold = pooledRiskThreshold([expected.out_of_fold_risks]);
  near(threshold, expected.threshold, 'threshold');
  const halves = [expected.out_of_fold_risks.slice(0, 7), expected.out_of_fold_risks.slice(7)];
  assert.equal(pooledRiskThreshold(halves), threshold);
  const ways = [
    [expected.mean_of_survival, bags.map((folds) => meanOfFolds(folds.map(curveFromLogits)))],
    [expected.mean_of_logits, bags.map((folds) => curveFromLogits(meanOfFolds(folds)))],
  ] as const;
  for (const [way, curves] of ways) {
    curves.forEach((curve, i) => nearAll(curve, way.survival[i], `bag ${i}`));
    const risks = curves.map(riskOfCurve);
    nearAll(risks, way.risk, 'risk');
    near(harrellConcordance(expected, risks).cindex, way.cindex, 'cindex');
    assert.deepEqual([...aboveThreshold(risks, threshold)], way.high);
  }
});

test('log hazards of Cox folds are standardized by their training patients', () => {
  const expected = caseOf<Cox>('survival_cox');
  const scales = expected.training_mean.map((mean, i) => ({ mean, deviation: expected.training_sd[i] }));
  const bags = byBag(expected.fold_logits);
  const plain = bags.map((folds) => meanOfFolds(folds.map((value) => [value]))[0]);
  nearAll(plain, expected.mean_of_logits.risk, 'plain');
  const risks = bags.map((folds) => meanOfStandardized(folds, scales));
  nearAll(risks, expected.mean_of_standardised_logits.risk, 'risk');
  near(harrellConcordance(expected, risks).cindex, expected.mean_of_standardised_logits.cindex, 'cindex');
  const constant = [scaleOf([2, 2, 2]), ...scales.slice(1)];
  assert.throws(
    () => meanOfStandardized(bags[0], constant),
    hasCode('InvalidInput', /fold 0 .*found all are 2/),
  );
});

test('an ensemble of regression models predicts the mean, with the spread over its folds', () => {
  const expected = caseOf<Regression>('regression');
  const bags = byBag(expected.fold_outputs);
  const means = bags.map((folds) => meanOfFolds(folds.map((value) => [value]))[0]);
  nearAll(means, expected.mean, 'mean');
  nearAll(bags.map(spreadOfFolds), expected.spread_over_folds, 'spread');
  const metrics = regressionMetrics(means, expected.target);
  for (const name of ['mae', 'mse', 'rmse', 'r2'] as const) near(metrics[name], expected[name], name);
  near(metrics.pearson.r, expected.pearson, 'Pearson');
  nearP(metrics.pearson.p, expected.pearson_p, 'p of Pearson');
  near(metrics.spearman.r, expected.spearman, 'Spearman');
  nearP(metrics.spearman.p, expected.spearman_p, 'p of Spearman');
});

test('an ensemble refuses to have no folds, or folds of different targets', () => {
  assert.throws(() => meanOfFolds([]), hasCode('InvalidInput', /at least one fold/));
  assert.throws(
    () =>
      meanOfSoftmax([
        [1, 2],
        [1, 2, 3],
      ]),
    hasCode('CountMismatch', /expected 2.*found 3/),
  );
  assert.equal(spreadOfFolds([0.3]), 0);
});

test('a threshold that the validation sets do not define is null with the reason', () => {
  const good = { scores: [0.2, 0.8], labels: [0, 1] };
  near(pooledThreshold([{ scores: [0.2, 0.8], labels: [1, 1] }]), null, 'one class');
  near(pooledThreshold([{ scores: [0.8, 0.2], labels: [0, 1] }]), null, 'wrong way round');
  near(pooledThreshold([]), null, 'no folds');
  near(meanThreshold([]), null, 'no folds');
  const mixed = meanThreshold([good, { scores: [0.5], labels: [1] }]);
  assert.ok(mixed.value === null && mixed.why.startsWith('fold 1: '));
  // Pooled, the second fold's only class is no obstacle.
  near(pooledThreshold([good, { scores: [0.5], labels: [1] }]), 0.5, 'pooled');
  assert.throws(() => pooledRiskThreshold([[], []]), hasCode('InvalidInput', /found none/));
});
