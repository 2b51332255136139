import type { ReportData } from './report-data.js';

/**
 * Formats `metrics.json`: the table, the comparisons and the lesion scores, with the digests of the files
 * they come from.
 */
export function formatSummary(data: ReportData): string {
  const { title, groupBy, rows, folds, pooled, comparisons, sweeps, heatmaps } = data;
  const summary = {
    report: 2,
    title,
    group_by: groupBy,
    protocol: folds[0]?.metrics.protocol ?? null,
    std: 'ddof 0; `repeats`: over the means of the repeats; `folds`: over all folds of all repeats',
    groups: rows,
    pooled,
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
    ...(sweeps.length > 0 ? { sweeps } : {}),
    folds: folds.map(({ group, metrics, files }) => ({
      group,
      cell: metrics.cell,
      repeat: metrics.repeat,
      fold: metrics.fold,
      seed: metrics.seed,
      slides: metrics.slides,
      auc: metrics.rank.auc,
      intervals_95: metrics.intervals,
      protocols: metrics.protocols,
      ...(metrics.several && { several: metrics.several }),
      files,
      sources: metrics.sources,
    })),
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
