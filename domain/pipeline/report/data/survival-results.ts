import { SURVIVAL_METRICS, type SurvivalMetric } from '../../../mil/evaluate/endpoint-metrics.js';
import { scoringTimes } from '../../../mil/evaluate/score-survival.js';
import { undefinedBecause, type Estimate } from '../../../statistics/estimate.js';
import { censoringCurve } from '../../../statistics/survival/censoring.js';
import { harrellConcordance, unoConcordance } from '../../../statistics/survival/concordance.js';
import { dynamicAuc } from '../../../statistics/survival/dynamic-auc.js';
import type { AucCurve, BootstrapTest, SurvivalFold, SurvivalResults } from './endpoint-results.js';
import { followUpOf, toPatients, type PatientRisk } from './patient-risk.js';
import { poolOutcomes, scorePooled, testPooled, type PooledGroup, type Pooling } from './pooled-outcomes.js';
import { riskCurves } from './risk-curves.js';
import { replicatesOf, scoreRows, streamOf } from './score-rows.js';

const NO_SCALE = 'the training risks are not known, so risks of different folds are not comparable';

/**
 * Everything that the report shows of survival. Pooled scores use the standardized risks and the censoring of
 * the pooled patients.
 * @param pairs groups to test against each other
 */
export function survivalResults(
  folds: readonly SurvivalFold[],
  pairs: readonly { a: string; b: string }[],
): SurvivalResults | null {
  if (folds.length === 0) return null;
  const { patients, comparable } = poolPatients(folds);
  const replicates = replicatesOf(folds);
  const scored = comparable.map((group) => {
    const pooling = poolingOf(group.pooled[0]);
    return [group.group, scorePooled(group, pooling, replicates, streamOf(folds, 'pooled'))] as const;
  });
  const pooled = new Map(scored);
  const rows = scoreRows<SurvivalMetric>(folds, SURVIVAL_METRICS, pooled).map((row) =>
    row.pooled === null && patients.some(({ group }) => group === row.group)
      ? { ...row, unpooled: NO_SCALE }
      : row,
  );
  return {
    rows,
    folds: [...folds],
    tests: survivalTests(folds, pairs),
    curves: patients.flatMap(riskCurves),
    aucCurves: comparable.map(aucCurve),
  };
}

/** Without the Brier score, which needs predicted survival curves. */
const POOLED = ['concordance', 'concordance_uno', 'mean_auc'] as const satisfies readonly SurvivalMetric[];
type PooledScore = (typeof POOLED)[number];

/** Paired tests of the concordance of the pooled risks. */
export function survivalTests(
  folds: readonly SurvivalFold[],
  pairs: readonly { a: string; b: string }[],
): BootstrapTest[] {
  if (folds.length === 0) return [];
  const { comparable } = poolPatients(folds);
  return testPooled(comparable, pairs, poolingOf([]), replicatesOf(folds), streamOf(folds, 'difference'));
}

/** The patients of each group, and the groups whose risks are comparable between folds. */
function poolPatients(folds: readonly SurvivalFold[]) {
  const groups = [...new Set(folds.map(({ group }) => group))];
  const all = groups.flatMap((group) => poolOutcomes(folds, group) ?? []);
  const scaled = all.filter(({ pooled }) =>
    pooled.every((rows) => rows.every(({ standardizedRisk }) => standardizedRisk !== null)),
  );
  const patients = all.map(toPatients);
  const comparable = patients.filter(({ group }) => scaled.some((one) => one.group === group));
  return { patients, comparable };
}

/** @param patients whose event times define the times of the AUC; none: the AUC is not computed */
function poolingOf(patients: readonly PatientRisk[]): Pooling<PatientRisk, PooledScore> {
  const times = timesOf(patients);
  const concordance = (rows: readonly PatientRisk[]) =>
    harrellConcordance(followUpOf(rows), risksOf(rows)).cindex;
  return {
    metrics: POOLED,
    main: { metric: 'concordance', of: concordance },
    stratum: ({ event }) => event,
    measure: (rows) => {
      const followUp = followUpOf(rows);
      const curve = censoringCurve(followUp);
      // Before the last time, every patient at risk has a chance to be uncensored.
      const latest = rows.reduce((most, { time }) => Math.max(most, time), 0);
      const mean: Estimate =
        times.length === 0
          ? undefinedBecause('no event before the latest follow-up')
          : dynamicAuc(followUp, risksOf(rows), curve, times).mean;
      return {
        concordance: concordance(rows),
        concordance_uno: unoConcordance(followUp, risksOf(rows), curve, latest),
        mean_auc: mean,
      };
    },
  };
}

function timesOf(patients: readonly PatientRisk[]): number[] {
  if (patients.length === 0) return [];
  const followUp = followUpOf(patients);
  return scoringTimes(followUp, censoringCurve(followUp));
}

/** Mean over the repeats at the times of the first one. */
function aucCurve({ group, pooled }: PooledGroup<PatientRisk>): AucCurve {
  const times = timesOf(pooled[0]);
  const curves = pooled.map((rows) => {
    const followUp = followUpOf(rows);
    return dynamicAuc(followUp, risksOf(rows), censoringCurve(followUp), times).auc;
  });
  const points = times.map((time, k) => {
    const values = curves.flatMap((curve) => curve[k].value ?? []);
    const auc = values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
    return { time, auc };
  });
  return { group, points };
}

function risksOf(rows: readonly PatientRisk[]): number[] {
  return rows.map(({ risk }) => risk);
}
