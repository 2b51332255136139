import assert from 'node:assert/strict';
import { test } from 'node:test';
import { breslowBaseline, coxSurvival } from '../../../../domain/statistics/survival/breslow.js';
import { integratedBrier, survivalBrier } from '../../../../domain/statistics/survival/brier.js';
import { censoringCurve } from '../../../../domain/statistics/survival/censoring.js';
import { harrellConcordance, unoConcordance } from '../../../../domain/statistics/survival/concordance.js';
import { dynamicAuc } from '../../../../domain/statistics/survival/dynamic-auc.js';
import { curveAt, curveFromHazards } from '../../../../domain/statistics/survival/hazard-curve.js';
import {
  kaplanMeier,
  medianSurvival,
  survivalAt,
  type SurvivalRow,
} from '../../../../domain/statistics/survival/kaplan-meier.js';
import { logRank } from '../../../../domain/statistics/survival/log-rank.js';
import { riskThreshold, splitByRisk } from '../../../../domain/statistics/survival/median-split.js';
import { endpointOracle, near, nearAll, nearP } from '../../../support/endpoints.js';

type Row = (number | null)[];

interface Cohort {
  name: string;
  times: number[];
  events: number[];
}

interface Oracle {
  concordance: (Cohort & {
    risk: number[];
    cindex: number | null;
    concordant: number;
    discordant: number;
    tied_risk: number;
    comparable: number;
  })[];
  ipcw: (Cohort & {
    train_times: number[];
    train_events: number[];
    risk: number[];
    censoring_km: { time: number[]; G: number[] };
    harrell: number;
    uno: number | null;
    tau: number | null;
    uno_tau: number | null;
    dynamic_auc: { times: number[]; auc: number[]; test_km_survival: number[]; mean_auc: number } | null;
    hazards?: number[][];
    interior_edges?: number[];
    survival_at_times?: number[][];
    brier?: number[];
    integrated?: number;
  })[];
  cox_survival: {
    train_logits: number[];
    train_times: number[];
    train_events: number[];
    baseline: { time: number[]; cumulative_hazard: number[] };
    new_logits: number[];
    at: number[];
    survival: number[][];
  };
  kaplan_meier: (Cohort & {
    table: Record<
      | 'time'
      | 'at_risk'
      | 'events'
      | 'censored'
      | 'survival'
      | 'greenwood_sum'
      | 'std_error'
      | 'lower95'
      | 'upper95',
      number[]
    >;
    median: number | null;
    survival_at: { t: number[]; S: Row };
  })[];
  logrank: (Cohort & {
    group: number[];
    groups: number[];
    sizes: number[];
    observed: number[];
    expected: number[];
    covariance: number[][];
    chi2: number | null;
    df: number | null;
    p: number | null;
    groups_left_out: number[];
    why_null?: string;
  })[];
  median_split: (Cohort & {
    train_risk: number[];
    threshold: number;
    risk: number[];
    high: number[];
    chi2: number | null;
    df: number | null;
    p: number | null;
    km_median: Row;
  })[];
}

const oracle = endpointOracle('survival-metrics') as Oracle;

for (const expected of oracle.concordance) {
  test(`concordance and its pairs equal lifelines: ${expected.name}`, () => {
    const { cindex, ...pairs } = harrellConcordance(expected, expected.risk);
    near(cindex, expected.cindex, 'cindex');
    const { concordant, discordant, tied_risk: tiedRisk, comparable } = expected;
    assert.deepEqual(pairs, { concordant, discordant, tiedRisk, comparable });
  });
}

for (const expected of oracle.ipcw) {
  test(`scores weighted by the censoring of the training set equal scikit-survival: ${expected.name}`, () => {
    const { risk, tau } = expected;
    const curve = censoringCurve({ times: expected.train_times, events: expected.train_events });
    assert.deepEqual(curve.times, expected.censoring_km.time);
    nearAll(curve.g, expected.censoring_km.G, 'G');
    near(harrellConcordance(expected, risk).cindex, expected.harrell, 'harrell');
    near(unoConcordance(expected, risk, curve), expected.uno, 'uno');
    if (tau !== null) near(unoConcordance(expected, risk, curve, tau), expected.uno_tau, 'uno to tau');
    if (expected.dynamic_auc === null) return;
    const { times, auc, test_km_survival, mean_auc } = expected.dynamic_auc;
    const dynamic = dynamicAuc(expected, risk, curve, times);
    nearAll(dynamic.auc, auc, 'AUC');
    nearAll(dynamic.survival, test_km_survival, 'survival');
    near(dynamic.mean, mean_auc, 'mean AUC');
    if (expected.hazards === undefined) return;
    const { hazards, interior_edges: edges = [], survival_at_times = [] } = expected;
    const survival = hazards.map((row) => curveAt(curveFromHazards(row), edges, times));
    survival.forEach((row, i) => nearAll(row, survival_at_times[i], `survival of ${i}`));
    const brier = survivalBrier(expected, survival, curve, times);
    nearAll(brier, expected.brier ?? [], 'Brier');
    near(integratedBrier(brier, times), expected.integrated ?? null, 'integrated Brier');
  });
}

test('survival of a Cox model follows from the baseline hazard of the training set', () => {
  const { train_times: times, train_events: events, train_logits, ...expected } = oracle.cox_survival;
  const baseline = breslowBaseline({ times, events }, train_logits);
  assert.deepEqual(baseline.times, expected.baseline.time);
  nearAll(baseline.cumulative, expected.baseline.cumulative_hazard, 'H0');
  expected.new_logits.forEach((logit, i) =>
    nearAll(coxSurvival(baseline, logit, expected.at), expected.survival[i], `z ${logit}`),
  );
});

for (const expected of oracle.kaplan_meier) {
  test(`the Kaplan-Meier curve with its intervals equals lifelines: ${expected.name}`, () => {
    const rows = kaplanMeier(expected);
    const { table, survival_at: at } = expected;
    assert.deepEqual(
      rows.map(({ time, atRisk, events, censored }) => [time, atRisk, events, censored]),
      table.time.map((time, i) => [time, table.at_risk[i], table.events[i], table.censored[i]]),
    );
    const column = (name: keyof SurvivalRow) => rows.map((row) => row[name]);
    nearAll(column('survival'), table.survival, 'S');
    nearAll(column('greenwoodSum'), table.greenwood_sum, 'Greenwood');
    nearAll(column('standardError'), table.std_error, 'standard error');
    nearAll(column('lower95'), table.lower95, 'lower');
    nearAll(column('upper95'), table.upper95, 'upper');
    near(medianSurvival(rows), expected.median, 'median');
    at.t.forEach((time, i) => near(survivalAt(rows, time), at.S[i], `S at ${time}`));
  });
}

for (const expected of oracle.logrank) {
  test(`the log-rank test equals the oracle: ${expected.name}`, () => {
    const result = logRank(expected, expected.group, expected.groups.length);
    assert.deepEqual(result.sizes, expected.sizes);
    assert.deepEqual(result.observed, expected.observed);
    nearAll(result.expected, expected.expected, 'expected');
    expected.covariance.forEach((row, k) => nearAll(result.covariance[k], row, `covariance ${k}`));
    assert.deepEqual(result.leftOut, expected.groups_left_out);
    near(result.test.value?.chiSquared ?? null, expected.chi2, 'chi2');
    assert.equal(result.test.value?.degrees ?? null, expected.df);
    nearP(result.test.value?.p ?? null, expected.p, 'p');
    if (result.test.value === null) assert.equal(result.test.why, expected.why_null);
  });
}

for (const expected of oracle.median_split) {
  test(`patients are split at the median of the training risks: ${expected.name}`, () => {
    const threshold = riskThreshold(expected.train_risk);
    near(threshold, expected.threshold, 'threshold');
    const { high, logRank: result } = splitByRisk(expected, expected.risk, threshold);
    assert.deepEqual([...high], expected.high);
    near(result.test.value?.chiSquared ?? null, expected.chi2, 'chi2');
    nearP(result.test.value?.p ?? null, expected.p, 'p');
    const medians = [0, 1].map((group) => {
      const members = expected.times.flatMap((_, i) => (high[i] === group ? [i] : []));
      const of = (values: number[]) => members.map((i) => values[i]);
      return medianSurvival(kaplanMeier({ times: of(expected.times), events: of(expected.events) }));
    });
    nearAll(medians, expected.km_median, 'medians');
  });
}
