import type { Estimate } from '../../statistics/estimate.js';
import type { Numbers } from '../../statistics/ranking.js';
import type { FollowUp } from '../../statistics/survival/follow-up.js';
import { kaplanMeier, medianSurvival } from '../../statistics/survival/kaplan-meier.js';
import { splitByRisk } from '../../statistics/survival/median-split.js';
import type { RiskGroup, SurvivalMetricsFile } from './endpoint-metrics.js';

/**
 * Splits rows at a threshold that was locked before, and tests whether their survival differs.
 * @returns null without a threshold, and a test of null if it is undefined, both with the reason
 */
export function riskGroups(
  followUp: FollowUp,
  risks: Numbers,
  threshold: Estimate<{ value: number; from: string }>,
): {
  groups: SurvivalMetricsFile['risk_groups'];
  reasons: Pick<SurvivalMetricsFile['undefined'], 'risk_groups' | 'log_rank'>;
} {
  if (threshold.value === null) {
    return { groups: null, reasons: { risk_groups: threshold.why, log_rank: threshold.why } };
  }
  const { value, from } = threshold.value;
  const { high, logRank } = splitByRisk(followUp, risks, value);
  const [low, above] = [0, 1].map((group) => describeGroup(followUp, high, group));
  const test = testOf([low, above], logRank.test);
  return {
    groups: {
      threshold: value,
      threshold_from: from,
      high: above,
      low,
      log_rank: test.value && { chi_square: test.value.chiSquared, p: test.value.p },
    },
    reasons: test.value === null ? { log_rank: test.why } : {},
  };
}

function testOf<T>(groups: readonly RiskGroup[], test: Estimate<T>): Estimate<T> {
  const [low, high] = groups;
  if (high.patients === 0) return { value: null, why: 'no risk is above the threshold' };
  if (low.patients === 0) return { value: null, why: 'every risk is above the threshold' };
  return low.events + high.events === 0 ? { value: null, why: 'no event' } : test;
}

function describeGroup({ times, events }: FollowUp, groups: Numbers, group: number): RiskGroup {
  const rows = Array.from(groups).flatMap((own, i) => (own === group ? [i] : []));
  const own = { times: rows.map((i) => times[i]), events: rows.map((i) => events[i]) };
  return {
    patients: rows.length,
    events: own.events.filter((event) => event === 1).length,
    median: medianSurvival(kaplanMeier(own)).value,
  };
}
