import { bootstrapRows, pick, quantile, strataOf } from '../../statistics/bootstrap.js';
import { undefinedBecause, valuesAndReasons, type Estimate } from '../../statistics/estimate.js';
import type { Numbers } from '../../statistics/ranking.js';
import { integratedBrier, survivalBrier } from '../../statistics/survival/brier.js';
import { censoringCurve, uncensoredAt, type CensoringCurve } from '../../statistics/survival/censoring.js';
import { harrellConcordance, unoConcordance } from '../../statistics/survival/concordance.js';
import { dynamicAuc } from '../../statistics/survival/dynamic-auc.js';
import type { FollowUp } from '../../statistics/survival/follow-up.js';
import { SURVIVAL_METRICS, type SurvivalMetric, type SurvivalMetricsFile } from './endpoint-metrics.js';
import { riskGroups } from './risk-groups.js';

/** What is known of the patients on whom the risks are based, and of the predicted survival. */
export interface SurvivalReference {
  /** Follow-up of the training patients, for the censoring. null: not known, with the reason. */
  training: Estimate<FollowUp>;
  /** Risk above which a patient is in the group `high`. */
  threshold: Estimate<{ value: number; from: string }>;
  /** Predicted S(t|x) at some times: one row per scored case. null: not known, with the reason. */
  survival: Estimate<(times: Numbers) => Numbers[]>;
}

export type SurvivalNumbers = Pick<
  SurvivalMetricsFile,
  'events' | 'scores' | 'undefined' | 'intervals' | 'bootstrap_replicates' | 'curve' | 'risk_groups'
>;

/**
 * Scores risks against follow-up. Time-dependent AUC and Brier score are those at {@link scoringTimes}.
 * Intervals: percentile bootstrap of the rows, drawn within those with and without an event; training
 * patients, times and predicted curves stay the same.
 * @param risks one per row, larger means an earlier event
 * @param stream names that seed the bootstrap
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function scoreSurvival(
  followUp: FollowUp,
  risks: Numbers,
  reference: SurvivalReference,
  { bootstrap, stream }: { bootstrap: number; stream: readonly (string | number)[] },
): SurvivalNumbers {
  const { training, survival } = reference;
  const curve: Estimate<CensoringCurve> =
    training.value === null ? training : { value: censoringCurve(training.value) };
  const times = curve.value === null ? [] : scoringTimes(followUp, curve.value);
  const predicted: Estimate<Numbers[]> =
    survival.value === null ? survival : { value: survival.value(times) };
  const all = measure(followUp, risks, { curve, times, predicted });
  const { values, reasons } = valuesAndReasons(SURVIVAL_METRICS, all.scores);
  const groups = riskGroups(followUp, risks, reference.threshold);
  const replicate = (rows: Uint32Array) => {
    const own = { times: pick(followUp.times, rows), events: pick(followUp.events, rows) };
    const rowsOf = predicted.value;
    const drawn = rowsOf === null ? predicted : { value: Array.from(rows, (row) => rowsOf[row]) };
    const { scores } = measure(own, pick(risks, rows), { curve, times, predicted: drawn });
    return valuesAndReasons(SURVIVAL_METRICS, scores).values;
  };
  return {
    events: Array.from(followUp.events).filter((event) => event === 1).length,
    scores: values,
    undefined: { ...reasons, ...groups.reasons },
    intervals: bootstrapRows(strataOf(followUp.events), bootstrap, stream, replicate),
    bootstrap_replicates: bootstrap,
    curve: times.map((time, k) => ({ time, auc: all.auc[k].value, brier: all.brier[k].value })),
    risk_groups: groups.groups,
  };
}

interface Known {
  curve: Estimate<CensoringCurve>;
  times: readonly number[];
  predicted: Estimate<Numbers[]>;
}

/** Why there is no time at which scores are defined. */
const NO_TIME = 'no event within the follow-up of both the scored and the training patients';

function measure(
  followUp: FollowUp,
  risks: Numbers,
  { curve, times, predicted }: Known,
): { scores: Record<SurvivalMetric, Estimate>; auc: Estimate[]; brier: Estimate[] } {
  const concordance = harrellConcordance(followUp, risks).cindex;
  if (curve.value === null) {
    const scores = { concordance, concordance_uno: curve, mean_auc: curve, integrated_brier: curve };
    return { scores, auc: [], brier: [] };
  }
  const concordance_uno = unoConcordance(followUp, risks, curve.value);
  if (times.length === 0) {
    const none = undefinedBecause(NO_TIME);
    return {
      scores: { concordance, concordance_uno, mean_auc: none, integrated_brier: none },
      ...{ auc: [], brier: [] },
    };
  }
  const { auc, mean } = dynamicAuc(followUp, risks, curve.value, times);
  const brier =
    predicted.value === null
      ? times.map(() => predicted as Estimate)
      : survivalBrier(followUp, predicted.value, curve.value, times);
  const integrated_brier = integratedBrier(brier, times);
  return { scores: { concordance, concordance_uno, mean_auc: mean, integrated_brier }, auc, brier };
}

/**
 * Times at which the AUC and the Brier score are computed: the deciles (10 % to 90 %) of the times of the
 * scored events at which both are defined. That is before the latest follow-up of the scored patients, and
 * within the training follow-up while some training patients are uncensored. Equal deciles count once.
 * @param curve of the censoring in the training set
 */
export function scoringTimes({ times, events }: FollowUp, curve: CensoringCurve): number[] {
  const latest = Array.from(times).reduce((most, time) => Math.max(most, time), -Infinity);
  const usable = Array.from(times)
    .filter((time, i) => events[i] === 1 && time < latest && uncensoredAt(curve, time).value !== null)
    .sort((a, b) => a - b);
  if (usable.length === 0) return [];
  const deciles = Array.from({ length: 9 }, (_, k) => quantile(usable, (k + 1) / 10));
  return deciles.filter((time, k) => k === 0 || time > deciles[k - 1]);
}
