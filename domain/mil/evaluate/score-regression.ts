import { bootstrapRows, pick } from '../../statistics/bootstrap.js';
import { valuesAndReasons, type Estimate } from '../../statistics/estimate.js';
import type { Numbers } from '../../statistics/ranking.js';
import { regressionMetrics } from '../../statistics/regression/regression-metrics.js';
import { REGRESSION_METRICS, type RegressionMetric, type RegressionMetricsFile } from './endpoint-metrics.js';

export type RegressionNumbers = Pick<
  RegressionMetricsFile,
  'scores' | 'undefined' | 'intervals' | 'bootstrap_replicates'
>;

/**
 * Scores predicted values. Intervals: percentile bootstrap of all rows.
 * @param stream names that seed the bootstrap
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function scoreRegression(
  predicted: Numbers,
  values: Numbers,
  { bootstrap, stream }: { bootstrap: number; stream: readonly (string | number)[] },
): RegressionNumbers {
  const of = (rows: readonly [Numbers, Numbers]) => valuesAndReasons(REGRESSION_METRICS, measure(...rows));
  const all = of([predicted, values]);
  const rows = Array.from({ length: values.length }, (_, i) => i);
  return {
    scores: all.values,
    undefined: all.reasons,
    intervals: bootstrapRows(
      [rows],
      bootstrap,
      stream,
      (drawn) => of([pick(predicted, drawn), pick(values, drawn)]).values,
    ),
    bootstrap_replicates: bootstrap,
  };
}

function measure(predicted: Numbers, values: Numbers): Record<RegressionMetric, Estimate> {
  const { mae, rmse, r2, pearson, spearman } = regressionMetrics(predicted, values);
  return { mae, rmse, r2, pearson: pearson.r, spearman: spearman.r };
}
