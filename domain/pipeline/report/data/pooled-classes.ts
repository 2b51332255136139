import type { Prediction } from '../../../mil/evaluate/evaluate-predictions.js';
import {
  CLASS_METRICS,
  classIntervals,
  measureClasses,
  OVERALL_METRICS,
  type ClassMetric,
  type ClassScale,
  type OverallMetric,
} from '../../../mil/evaluate/measure-classes.js';
import type { BootstrapInterval } from '../../../statistics/bootstrap.js';
import type { Estimate } from '../../../statistics/estimate.js';
import { pooledMetric, type PooledMetric } from './pooled-metric.js';

/** Metrics of more than two classes on the pooled out-of-fold scores. */
export interface PooledClasses {
  ordered: boolean;
  overall: Record<OverallMetric, PooledMetric>;
  per_class: Record<string, Record<ClassMetric, PooledMetric>>;
}

/**
 * Computes the metrics of each repeat and their mean. The intervals draw slides, not repeats; they need the
 * same slides in every repeat.
 * @param repeats pooled predictions, sorted by slide
 * @param names of the random stream
 */
export function poolClasses(
  repeats: readonly (readonly Prediction[])[],
  scale: ClassScale,
  replicates: number,
  names: readonly (string | number)[],
): PooledClasses {
  const scores = repeats.map((predictions) => ({
    probabilities: predictions.map(({ probabilities }) => probabilities),
    labels: predictions.map(({ label }) => label),
  }));
  const measured = scores.map((one) => measureClasses(one, scale));
  const same = repeats.every((one) => slidesOf(one) === slidesOf(repeats[0]));
  const drawn =
    same && replicates > 0
      ? classIntervals(
          { repeats: scores.map(({ probabilities }) => probabilities), labels: scores[0].labels },
          scale,
          replicates,
          names,
        )
      : undefined;
  const collect = <Name extends string>(
    metrics: readonly Name[],
    values: readonly Record<Name, Estimate>[],
    intervals: Partial<Record<Name, BootstrapInterval>> | undefined,
  ) => {
    const entries = metrics.map((name) => {
      const estimates = values.map((one) => one[name]);
      return [name, pooledMetric(estimates, intervals?.[name])] as const;
    });
    return Object.fromEntries(entries) as Record<Name, PooledMetric>;
  };
  const perClass = scale.classes.map((name, k) => {
    const values = measured.map((one) => one.perClass[k]);
    return [name, collect(CLASS_METRICS, values, drawn?.perClass[k])] as const;
  });
  return {
    ordered: scale.ordered,
    overall: collect(
      OVERALL_METRICS,
      measured.map(({ overall }) => overall),
      drawn?.overall,
    ),
    per_class: Object.fromEntries(perClass),
  };
}

/** The slides and their labels as text. */
export function slidesOf(predictions: readonly Prediction[]): string {
  return JSON.stringify(predictions.map(({ key, label }) => [key, label]));
}
