import { REGRESSION_METRICS, type RegressionMetric } from '../../../mil/evaluate/endpoint-metrics.js';
import { regressionMetrics } from '../../../statistics/regression/regression-metrics.js';
import type {
  BootstrapTest,
  RegressionFold,
  RegressionOutcome,
  RegressionResults,
  Scatter,
} from './endpoint-results.js';
import { poolOutcomes, scorePooled, testPooled, type PooledGroup, type Pooling } from './pooled-outcomes.js';
import { replicatesOf, scoreRows, streamOf } from './score-rows.js';

const POOLING: Pooling<RegressionOutcome, RegressionMetric> = {
  metrics: REGRESSION_METRICS,
  main: { metric: 'rmse', of: (rows) => measure(rows).rmse },
  stratum: () => 0,
  measure: (rows) => {
    const { mae, rmse, r2, pearson, spearman } = measure(rows);
    return { mae, rmse, r2, pearson: pearson.r, spearman: spearman.r };
  },
};

/**
 * Everything that the report shows of regression.
 * @param pairs groups to test against each other
 */
export function regressionResults(
  folds: readonly RegressionFold[],
  pairs: readonly { a: string; b: string }[],
): RegressionResults | null {
  if (folds.length === 0) return null;
  const pooled = poolGroups(folds);
  const replicates = replicatesOf(folds);
  const scored = pooled.map(
    (group) => [group.group, scorePooled(group, POOLING, replicates, streamOf(folds, 'pooled'))] as const,
  );
  return {
    rows: scoreRows(folds, REGRESSION_METRICS, new Map(scored)),
    folds: [...folds],
    tests: regressionTests(folds, pairs),
    scatters: pooled.map(scatterOf),
  };
}

/** Paired tests of the RMSE of the pooled predictions. */
export function regressionTests(
  folds: readonly RegressionFold[],
  pairs: readonly { a: string; b: string }[],
): BootstrapTest[] {
  if (folds.length === 0) return [];
  return testPooled(poolGroups(folds), pairs, POOLING, replicatesOf(folds), streamOf(folds, 'difference'));
}

function poolGroups(folds: readonly RegressionFold[]): PooledGroup<RegressionOutcome>[] {
  const groups = [...new Set(folds.map(({ group }) => group))];
  return groups.flatMap((group) => poolOutcomes(folds, group) ?? []);
}

function measure(rows: readonly RegressionOutcome[]) {
  return regressionMetrics(
    rows.map(({ predicted }) => predicted),
    rows.map(({ value }) => value),
  );
}

/** One point per row of the predictions, with the mean prediction over the repeats. */
function scatterOf({ group, pooled }: PooledGroup<RegressionOutcome>): Scatter {
  const points = new Map<string, { label: number; predicted: number[] }>();
  for (const { key, value, predicted } of pooled.flat()) {
    const known = points.get(key);
    if (known === undefined) points.set(key, { label: value, predicted: [predicted] });
    else known.predicted.push(predicted);
  }
  return {
    group,
    points: [...points].map(([key, { label, predicted }]) => ({
      ...{ key, label },
      predicted: predicted.reduce((sum, value) => sum + value, 0) / predicted.length,
    })),
  };
}
