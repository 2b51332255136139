import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream } from '../../../../domain/random.js';
import { bootstrapRows, pick, strataOf } from '../../../../domain/statistics/bootstrap.js';
import { breslowBaseline, coxSurvival } from '../../../../domain/statistics/survival/breslow.js';
import { integratedBrier, survivalBrier } from '../../../../domain/statistics/survival/brier.js';
import { censoringCurve, uncensoredAt } from '../../../../domain/statistics/survival/censoring.js';
import { harrellConcordance, unoConcordance } from '../../../../domain/statistics/survival/concordance.js';
import { dynamicAuc } from '../../../../domain/statistics/survival/dynamic-auc.js';
import type { FollowUp } from '../../../../domain/statistics/survival/follow-up.js';
import { curveAt, curveFromHazards } from '../../../../domain/statistics/survival/hazard-curve.js';
import {
  kaplanMeier,
  medianSurvival,
  numbersAtRisk,
  survivalAt,
} from '../../../../domain/statistics/survival/kaplan-meier.js';
import { logRank } from '../../../../domain/statistics/survival/log-rank.js';
import { riskThreshold } from '../../../../domain/statistics/survival/median-split.js';
import type { Estimate } from '../../../../domain/statistics/estimate.js';
import { near, nearAll } from '../../../support/endpoints.js';
import { hasCode } from '../../mil/support.js';

const NOBODY: FollowUp = { times: [], events: [] };

function isUndefined<T extends object | number>(estimate: Estimate<T>, why: RegExp): void {
  assert.match('why' in estimate ? estimate.why : `defined: ${JSON.stringify(estimate.value)}`, why);
}

/** Follow-up with ties in time and in risk. */
function cohort(random: RandomStream, patients: number) {
  const draw = (below: number) => Array.from({ length: patients }, () => random.below(below));
  return { times: draw(30), events: draw(2), risks: draw(25) };
}

/** Counts every pair. */
function concordanceOfPairs(
  { times, events, risks }: ReturnType<typeof cohort>,
  weight: (i: number) => number,
) {
  let [part, whole] = [0, 0];
  for (let i = 0; i < times.length; i++) {
    for (let j = 0; j < times.length; j++) {
      const comparable =
        events[i] === 1 && (times[i] < times[j] || (times[i] === times[j] && events[j] === 0));
      if (!comparable) continue;
      whole += weight(i);
      part += weight(i) * (risks[i] > risks[j] ? 1 : risks[i] === risks[j] ? 0.5 : 0);
    }
  }
  return part / whole;
}

test('concordance equals a count over all pairs, whatever is tied', () => {
  const random = new RandomStream('concordance');
  for (let round = 0; round < 50; round++) {
    const data = cohort(random, 2 + random.below(60));
    const { cindex, comparable } = harrellConcordance(data, data.risks);
    near(cindex, comparable === 0 ? null : concordanceOfPairs(data, () => 1), `round ${round}`);
    const training = cohort(random, 200);
    const curve = censoringCurve({ times: [...training.times, 31], events: [...training.events, 1] });
    const weight = (i: number) => (uncensoredAt(curve, data.times[i]).value ?? NaN) ** -2;
    const uno = unoConcordance(data, data.risks, curve);
    if (comparable > 0) near(uno, concordanceOfPairs(data, weight), `Uno of round ${round}`);
  }
});

test('nobody, one patient and only censored patients leave scores undefined with the reason', () => {
  const curve = censoringCurve({ times: [1, 2, 3], events: [1, 1, 1] });
  isUndefined(harrellConcordance(NOBODY, []).cindex, /no patients/);
  isUndefined(harrellConcordance({ times: [1], events: [1] }, [0]).cindex, /no comparable pair/);
  isUndefined(unoConcordance({ times: [1, 2], events: [0, 0] }, [0, 1], curve), /no event/);
  isUndefined(unoConcordance({ times: [1, 2], events: [1, 0] }, [0, 1], censoringCurve(NOBODY)), /training/);
  const nobody = dynamicAuc(NOBODY, [], curve, [1, 2]);
  isUndefined(nobody.mean, /no patient/);
  isUndefined(nobody.survival[0], /no patients/);
  isUndefined(survivalBrier(NOBODY, [], curve, [1])[0], /no patients/);
  assert.deepEqual(kaplanMeier(NOBODY), []);
  isUndefined(medianSurvival([]), /no patients/);
  isUndefined(logRank(NOBODY, [], 2).test, /fewer than two groups/);
  assert.throws(() => riskThreshold([]), hasCode('InvalidInput', /found none/));
  assert.throws(() => riskThreshold([1, NaN, 2]), hasCode('InvalidInput', /not finite/));
});

test('a time-dependent AUC is defined where there are cases, controls and weights', () => {
  const followUp = { times: [1, 2, 3, 4], events: [0, 1, 1, 0] };
  const curve = censoringCurve({ times: [0, 2, 9], events: [0, 1, 1] });
  const { auc, mean } = dynamicAuc(followUp, [0, 5, 1, 2], curve, [0.5, 1, 2, 3, 4]);
  isUndefined(auc[0], /followed for at most 0.5/);
  isUndefined(auc[1], /no event until 1/);
  nearAll(auc.slice(2, 4), [1, 0.5], 'AUC');
  isUndefined(auc[4], /no patient was followed beyond 4/);
  isUndefined(mean, /followed for at most/);
  assert.throws(
    () => dynamicAuc(followUp, [0, 0, 0, 0], curve, [2, 1]),
    hasCode('InvalidInput', /ascending/),
  );
});

test('a Brier score needs weights at its own time only', () => {
  const followUp = { times: [1, 5], events: [1, 1] };
  const survival = [
    [0.25, 0.1],
    [0.75, 0.5],
  ];
  // Censoring is unknown beyond 3, where the second event lies.
  const brier = survivalBrier(followUp, survival, censoringCurve({ times: [2, 3], events: [1, 1] }), [2, 5]);
  near(brier[0], (0.25 ** 2 + 0.25 ** 2) / 2, 'Brier');
  isUndefined(brier[1], /beyond the last training time/);
  isUndefined(integratedBrier(brier, [2, 5]), /beyond the last training time/);
  isUndefined(integratedBrier(brier.slice(0, 1), [2]), /fewer than two times/);
  const curve = censoringCurve(followUp);
  assert.throws(() => survivalBrier(followUp, [[2], [0]], curve, [1]), hasCode('InvalidInput', /row 0/));
  assert.throws(
    () => survivalBrier(followUp, [[1]], curve, [1]),
    hasCode('CountMismatch', /row of survival/),
  );
});

test('numbers at risk count patients whose time is reached', () => {
  assert.deepEqual(numbersAtRisk({ times: [3, 1, 3, 0, 7] }, [0, 1, 3, 3.5, 8]), [5, 4, 3, 1, 0]);
});

test('survival is defined before the first time, and after the last one only if nobody is left', () => {
  near(survivalAt(kaplanMeier({ times: [2, 4], events: [1, 0] }), 1), 1, 'before');
  isUndefined(survivalAt(kaplanMeier({ times: [2, 4], events: [1, 0] }), 5), /beyond 4/);
  near(survivalAt(kaplanMeier({ times: [2, 4], events: [1, 1] }), 5), 0, 'after');
});

test('all patients having the event at one time leave the log-rank test without variance', () => {
  const followUp = { times: [2, 2, 2, 2], events: [1, 1, 1, 1] };
  isUndefined(logRank(followUp, [0, 0, 1, 1], 2).test, /singular/);
  isUndefined(logRank(followUp, [0, 1, 2, 2], 3).test, /singular/);
  assert.throws(() => logRank(followUp, [0, 0, 1, 2], 2), hasCode('InvalidInput', /row 3.*expected 0 to 1/));
});

test('a strong difference keeps a small p value apart from 0', () => {
  const times = Array.from({ length: 400 }, (_, i) => (i < 200 ? 1 + i / 1000 : 10 + i / 1000));
  const groups = times.map((_, i) => (i < 200 ? 0 : 1));
  const { value } = logRank({ times, events: times.map(() => 1) }, groups, 2).test;
  assert.ok(value && value.p > 0 && value.p < 1e-50, `p ${value?.p}`);
});

test('a hazard curve changes at the upper edges of the bins and ignores the last bin', () => {
  const curve = curveFromHazards([0.5, 0.5, 1]);
  assert.deepEqual([...curve], [0.5, 0.25, 0]);
  assert.deepEqual([...curveAt(curve, [2, 4], [0, 1.9, 2, 3, 4, 1e9])], [1, 1, 0.5, 0.5, 0.25, 0.25]);
});

test('the baseline hazard and its survival stay finite for log hazards far from 0', () => {
  const training = { times: [1, 2, 3], events: [1, 1, 0] };
  const at = (shift: number) => {
    const baseline = breslowBaseline(
      training,
      [0, 1, -1].map((z) => z + shift),
    );
    return coxSurvival(baseline, shift, [0.5, 1, 2, 9]);
  };
  nearAll(at(500), [...at(0)], 'shifted', { absolute: 1e-9 });
  assert.ok(at(2000).every((value) => value >= 0 && value <= 1));
});

test('bootstrap intervals of concordance keep the numbers of events and contain the estimate', () => {
  const random = new RandomStream('survival-bootstrap');
  const data = cohort(random, 120);
  const intervals = bootstrapRows(strataOf(data.events), 300, [1, 'cindex'], (rows) => {
    const events = pick(data.events, rows);
    assert.deepEqual(events.toSorted(), Float64Array.from(data.events).toSorted());
    const { cindex } = harrellConcordance({ times: pick(data.times, rows), events }, pick(data.risks, rows));
    return { cindex: cindex.value, never: null };
  });
  const { value } = harrellConcordance(data, data.risks).cindex;
  assert.ok(intervals.cindex && value !== null);
  assert.ok(intervals.cindex.low < value && value < intervals.cindex.high);
  assert.equal(intervals.never, undefined);
});

test('a perfect ranking has scores of exactly 1, also where weights are rounded', () => {
  const random = new RandomStream('perfect ranking');
  for (let trial = 0; trial < 200; trial++) {
    const { times, events } = cohort(random, 40);
    const followUp = { times: times.map((time) => time + random.uniform()), events };
    const sorted = [...followUp.times].sort((a, b) => a - b);
    const curve = censoringCurve({ times: [...followUp.times, 100], events: [...events, 0] });
    const risks = followUp.times.map((time) => -time);
    const { auc, mean } = dynamicAuc(followUp, risks, curve, sorted.slice(8, 30));
    for (const { value } of [mean, unoConcordance(followUp, risks, curve), ...auc]) {
      assert.ok(value === null || (value <= 1 && value > 1 - 1e-12), `${value}`);
    }
  }
});
