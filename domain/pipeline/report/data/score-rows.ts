import type { EvaluatedFold } from './evaluated-fold.js';
import type { RegressionFold, ScoreRow, SurvivalFold } from './endpoint-results.js';
import type { PooledMetric } from './pooled-metric.js';
import { slidesPerRepeat, summarizeEach } from './summary.js';

/** Rows of the table of models, without the pooled scores. */
export function scoreRows<Metric extends string>(
  folds: readonly (SurvivalFold | RegressionFold)[],
  metrics: readonly Metric[],
  pooled: ReadonlyMap<string, Partial<Record<Metric, PooledMetric>>>,
): ScoreRow<Metric>[] {
  const groups = [...new Set(folds.map(({ group }) => group))];
  return groups.map((group) => {
    const members = folds.filter((fold) => fold.group === group);
    const files = members.map((fold) => fold.metrics);
    const own = pooled.get(group);
    return {
      group,
      repeats: new Set(files.map(({ repeat }) => repeat)).size,
      folds: members.length,
      scored: slidesPerRepeat(files),
      patients: new Set(members.flatMap(({ outcomes }) => outcomes.map(({ patient }) => patient))).size,
      optimistic: files.some(({ selection }) => selection.optimistic),
      scores: summarizeEach(files, metrics, ({ scores }, metric) => {
        const known: Partial<Record<string, number | null>> = scores;
        return known[metric] ?? null;
      }),
      pooled: own ?? null,
      ...(own === undefined && { unpooled: 'a slide was scored twice in one repeat' }),
    };
  });
}

/** The most bootstrap replicates of an evaluation; 0: no intervals were requested. */
export function replicatesOf(folds: readonly (SurvivalFold | RegressionFold)[]): number {
  return Math.max(0, ...folds.map(({ metrics }) => metrics.bootstrap_replicates));
}

/** Names of the random stream of pooled scores. */
export function streamOf([first]: readonly EvaluatedFold[], what: string): (string | number)[] {
  return [first.metrics.seed, 'bootstrap', what];
}
