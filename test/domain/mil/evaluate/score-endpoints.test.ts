import assert from 'node:assert/strict';
import { test } from 'node:test';
import { riskGroups } from '../../../../domain/mil/evaluate/risk-groups.js';
import { scoreRegression } from '../../../../domain/mil/evaluate/score-regression.js';
import { scoreSurvival, scoringTimes } from '../../../../domain/mil/evaluate/score-survival.js';
import { combineCases } from '../../../../domain/mil/cohort/patient-cases.js';
import { groupByPatient } from '../../../../domain/mil/combine/patients.js';
import { censoringCurve } from '../../../../domain/statistics/survival/censoring.js';
import { riskThreshold } from '../../../../domain/statistics/survival/median-split.js';
import { endpointOracle, near, nearP } from '../../../support/endpoints.js';

interface Weighted {
  name: string;
  train_times: number[];
  train_events: number[];
  times: number[];
  events: number[];
  risk: number[];
  harrell: number;
  uno: number | null;
}
interface Split {
  name: string;
  train_risk: number[];
  threshold: number;
  times: number[];
  events: number[];
  risk: number[];
  chi2: number | null;
  p: number | null;
  km_median: (number | null)[];
}

const survival = endpointOracle('survival-metrics') as { ipcw: Weighted[]; median_split: Split[] };
const OPTIONS = { bootstrap: 50, stream: ['test'] };
const unknown = (why: string) => ({ value: null, why });

test('concordance of whole files is that of the oracle, and null comes with a reason', () => {
  for (const { name, train_times, train_events, times, events, risk, harrell, uno } of survival.ipcw) {
    const numbers = scoreSurvival(
      { times, events },
      risk,
      {
        training: { value: { times: train_times, events: train_events } },
        threshold: unknown('none'),
        survival: unknown('no curves'),
      },
      OPTIONS,
    );
    near(numbers.scores.concordance, harrell, name);
    near(numbers.scores.concordance_uno, uno, `${name} uno`);
    if (uno === null) assert.ok(numbers.undefined.concordance_uno, name);
    assert.deepEqual(
      [numbers.scores.integrated_brier, numbers.undefined.integrated_brier, numbers.undefined.risk_groups],
      [null, 'no curves', 'none'],
    );
    const { low, high } = numbers.intervals.concordance ?? { low: NaN, high: NaN };
    assert.ok(low <= harrell && harrell <= high, name);
  }
});

test('patients are split at the median training risk, as in the oracle', () => {
  for (const {
    name,
    train_risk,
    threshold,
    times,
    events,
    risk,
    chi2,
    p,
    km_median,
  } of survival.median_split) {
    const value = { value: riskThreshold(train_risk), from: 'training' };
    const { groups, reasons } = riskGroups({ times, events }, risk, { value });
    assert.ok(groups, name);
    near(groups.threshold, threshold, name);
    near(groups.log_rank?.chi_square ?? null, chi2, name);
    nearP(groups.log_rank?.p ?? null, p, name);
    assert.equal(reasons.log_rank === undefined, chi2 !== null, `${name}: a reason where there is no test`);
    near(groups.low.median, km_median[0], `${name} low`);
    near(groups.high.median, km_median[1], `${name} high`);
  }
});

test('without an event every score is null with its reason', () => {
  const followUp = { times: [3, 5, 8], events: [0, 0, 0] };
  const training = { value: { times: [1, 4, 9], events: [1, 0, 1] } };
  const threshold = { value: { value: 0.5, from: 'training' } };
  const numbers = scoreSurvival(
    followUp,
    [0, 1, 2],
    { training, threshold, survival: { value: (times) => [0, 1, 2].map(() => times) } },
    OPTIONS,
  );
  assert.deepEqual(Object.values(numbers.scores), [null, null, null, null]);
  assert.equal(Object.keys(numbers.undefined).length, 5);
  assert.equal(numbers.undefined.concordance, 'no event');
  assert.equal(numbers.undefined.log_rank, 'no event');
  assert.deepEqual(numbers.curve, []);
});

test('the times of scores are deciles of the events before the ends of both follow-ups', () => {
  const times = Array.from({ length: 21 }, (_, i) => i);
  const events = times.map(() => 1);
  const curve = censoringCurve({ times: [2, 30], events: [0, 1] });
  assert.deepEqual(
    scoringTimes({ times, events }, curve).map((time) => Math.round(time * 10) / 10),
    [1.9, 3.8, 5.7, 7.6, 9.5, 11.4, 13.3, 15.2, 17.1],
  );
  const short = censoringCurve({ times: [2, 10], events: [1, 1] });
  assert.ok(Math.max(...scoringTimes({ times, events }, short)) <= 10, 'within the training follow-up');
  assert.deepEqual(scoringTimes({ times: [4, 4], events: [1, 1] }, curve), []);
  assert.deepEqual(scoringTimes({ times: [4, 4, 4, 9], events: [1, 1, 1, 0] }, curve), [4]);
});

test('regression scores of whole files are those of the oracle', () => {
  const { metrics } = endpointOracle('regression') as {
    metrics: ({ name: string; target: number[]; prediction: number[] } & Record<string, number | null>)[];
  };
  for (const { name, target, prediction, ...expected } of metrics) {
    if (target.length === 0) continue;
    const { scores, undefined: reasons } = scoreRegression(prediction, target, OPTIONS);
    for (const metric of ['mae', 'rmse', 'r2', 'pearson', 'spearman'] as const) {
      near(scores[metric], expected[metric], `${name} ${metric}`);
      assert.equal(reasons[metric] === undefined, scores[metric] !== null, `${name} ${metric}`);
    }
  }
});

test('risks of patients and their concordance are those of the oracle', () => {
  const oracle = (endpointOracle('patients') as { survival: Patients }).survival;
  const follow = new Map(
    oracle.patients.map((name, i) => [name, { time: oracle.times[i], event: oracle.events[i] }]),
  );
  const slides = oracle.slide_risk.map((score, i) => {
    const followUp = follow.get(oracle.slide_patient[i]);
    return { key: `s${i}`, score, ...(followUp && { followUp }) };
  });
  for (const by of ['mean', 'max'] as const) {
    const cases = combineCases(slides, groupByPatient(oracle.slide_patient), by);
    assert.deepEqual(cases.map(({ key }) => key), oracle.patients); // prettier-ignore
    cases.forEach(({ score }, i) => near(score, oracle.by[by].risk[i], `${by} ${i}`));
    const numbers = scoreSurvival(
      oracle,
      cases.map(({ score }) => score),
      { training: unknown('none'), threshold: unknown('none'), survival: unknown('none') },
      OPTIONS,
    );
    near(numbers.scores.concordance, oracle.by[by].cindex, by);
  }
});

interface Patients {
  slide_patient: string[];
  slide_risk: number[];
  patients: string[];
  times: number[];
  events: (0 | 1)[];
  by: Record<'mean' | 'max', { risk: number[]; cindex: number }>;
}
