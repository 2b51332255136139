import type { RegressionMetric, SurvivalMetric } from '../../../mil/evaluate/endpoint-metrics.js';
import type { AnyMetricsFile } from '../../../mil/evaluate/read-metrics-file.js';
import type { Endpoint } from '../../../mil/targets/target.js';
import type { RiskCurves, ScoreRow } from './endpoint-results.js';
import type { ReportData } from './report-data.js';

/**
 * Formats `metrics.json`: the table, the comparisons and the lesion scores, with the digests of the files
 * they come from.
 */
export function formatSummary(data: ReportData): string {
  const { title, groupBy, rows, folds, pooled, comparisons, sweeps, heatmaps } = data;
  const other = summarizeEndpoints(data);
  const summary = {
    report: 3,
    title,
    group_by: groupBy,
    protocol: folds[0]?.metrics.protocol ?? null,
    std: 'ddof 0; `repeats`: over the means of the repeats; `folds`: over all folds of all repeats',
    groups: [...rows.map((row) => ({ endpoint: 'classification', ...row })), ...other.groups],
    pooled,
    ...(data.survival && { risk_groups: riskGroups(data.survival.curves) }),
    comparisons: comparisons.map(({ result, pHolm, ...pair }) => ({
      ...pair,
      auc_a: result.aucA,
      auc_b: result.aucB,
      difference: result.difference,
      difference_95: result.difference95,
      z: Number.isNaN(result.z) ? null : result.z,
      p_two_sided: Number.isNaN(result.pTwoSided) ? null : result.pTwoSided,
      p_holm: pHolm,
    })),
    ...(other.comparisons.length > 0 && { endpoint_comparisons: other.comparisons }),
    ...(sweeps.length > 0 ? { sweeps } : {}),
    folds: [
      ...folds.map(({ group, metrics, files }) => ({
        ...placeOf(group, metrics),
        auc: metrics.rank.auc,
        intervals_95: metrics.intervals,
        protocols: metrics.protocols,
        ...(metrics.several && { several: metrics.several }),
        files,
        sources: metrics.sources,
      })),
      ...other.folds,
    ],
    lesion: heatmaps
      .filter(({ lesionAuc }) => lesionAuc !== null)
      .map(({ key, set, style, lesionAuc, lesionPatches, patches }) => ({
        slide: key,
        set,
        score: style.score,
        ...(style.class !== undefined && { class: style.class }),
        auc: lesionAuc,
        lesion_patches: lesionPatches,
        patches,
      })),
  };
  return `${JSON.stringify(summary, null, 1)}\n`;
}

function placeOf(group: string, { cell, repeat, fold, seed, slides }: AnyMetricsFile) {
  return { group, cell, repeat, fold, seed, slides };
}

/** Rows, tests and folds of survival and regression. */
function summarizeEndpoints({ survival, regression }: ReportData) {
  const rowOf = (endpoint: Endpoint) => (row: ScoreRow<SurvivalMetric> | ScoreRow<RegressionMetric>) => {
    const { scored, unpooled, ...rest } = row;
    return { endpoint, ...rest, slides: scored, ...(unpooled !== undefined && { unpooled }) };
  };
  return {
    groups: [
      ...(survival?.rows ?? []).map(rowOf('survival')),
      ...(regression?.rows ?? []).map(rowOf('regression')),
    ],
    comparisons: [...(survival?.tests ?? []), ...(regression?.tests ?? [])].map(
      ({ interval, p, pHolm, ...test }) => ({
        ...test,
        difference_95: [interval.low, interval.high],
        p_two_sided: p,
        p_holm: pHolm,
      }),
    ),
    folds: [...(survival?.folds ?? []), ...(regression?.folds ?? [])].map(({ group, metrics, files }) => ({
      ...placeOf(group, metrics),
      scores: metrics.scores,
      undefined: metrics.undefined,
      intervals_95: metrics.intervals,
      ...(metrics.endpoint === 'survival' && { risk_groups: metrics.risk_groups }),
      files,
      sources: metrics.sources,
    })),
  };
}

function riskGroups(curves: readonly RiskCurves[]) {
  return curves.map(({ group, times, medians, logRank, why }) => ({
    group,
    high: { patients: times.high.length, median: medians.high },
    low: { patients: times.low.length, median: medians.low },
    log_rank: logRank && { chi_square: logRank.chiSquared, p: logRank.p },
    ...(why !== undefined && { undefined: why }),
  }));
}
