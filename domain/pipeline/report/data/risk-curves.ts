import { kaplanMeier, medianSurvival } from '../../../statistics/survival/kaplan-meier.js';
import { logRank } from '../../../statistics/survival/log-rank.js';
import type { RiskCurves } from './endpoint-results.js';
import type { PooledGroup } from './pooled-outcomes.js';
import { followUpOf, type PatientRisk } from './patient-risk.js';

/**
 * Kaplan-Meier curves of high and low risk, pooled over the folds. A patient counts once: with several
 * repeats, it is in the group of most of them, and in the low one if they are equally many.
 * @returns none if the groups are not known
 */
export function riskCurves({ group, pooled }: PooledGroup<PatientRisk>): RiskCurves[] {
  const votes = new Map<string, { patient: PatientRisk; high: number; all: number }>();
  for (const patient of pooled.flat()) {
    if (patient.high === null) return [];
    const known = votes.get(patient.patient) ?? { patient, high: 0, all: 0 };
    known.high += patient.high ? 1 : 0;
    known.all++;
    votes.set(patient.patient, known);
  }
  const called = [...votes.values()].map(({ patient, high, all }) => ({ ...patient, high: 2 * high > all }));
  const [high, low] = [true, false].map((side) => called.filter((patient) => patient.high === side));
  const [upper, lower] = [kaplanMeier(followUpOf(high)), kaplanMeier(followUpOf(low))];
  const { test } = logRank(
    followUpOf(called),
    called.map((patient) => (patient.high ? 1 : 0)),
    2,
  );
  return [
    {
      group,
      high: upper,
      low: lower,
      times: { high: high.map(({ time }) => time), low: low.map(({ time }) => time) },
      medians: { high: medianSurvival(upper).value, low: medianSurvival(lower).value },
      logRank: test.value === null ? null : { chiSquared: test.value.chiSquared, p: test.value.p },
      ...(test.value === null && { why: emptySide(high.length, low.length) ?? test.why }),
    },
  ];
}

function emptySide(high: number, low: number): string | undefined {
  if (high === 0) return 'no patient is in the group of high risk';
  return low === 0 ? 'no patient is in the group of low risk' : undefined;
}
