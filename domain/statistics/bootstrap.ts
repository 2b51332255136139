import { RandomStream } from '../random.js';
import { checkScored, type Numbers } from './ranking.js';

/** 95 % percentile interval. */
export interface BootstrapInterval {
  low: number;
  high: number;
}

/**
 * Percentile bootstrap (Efron 1979) of statistics over slides. Each replicate draws slides with replacement
 * within each class, so that class sizes are preserved and every replicate has an AUC, even in a small fold.
 *
 * @param statistics called once per replicate with resampled scores and labels; returns named numbers (NaN
 *   values are ignored)
 * @param names of the random stream, such as (seed, 'bootstrap', cell); the same names give the same
 *   intervals
 * @returns one interval per name
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function bootstrapIntervals<Name extends string>(
  scores: Numbers,
  labels: Numbers,
  replicates: number,
  names: readonly (string | number)[],
  statistics: (scores: Float64Array, labels: Uint8Array) => Record<Name, number>,
): Record<Name, BootstrapInterval> {
  checkScored(scores, labels);
  const classes = [0, 1].map((label) =>
    Array.from(labels).flatMap((value, i) => (value === label ? [i] : [])),
  );
  const random = new RandomStream(...names);
  const drawn: Record<string, number[]> = {};
  const [sampleScores, sampleLabels] = [new Float64Array(labels.length), new Uint8Array(labels.length)];
  for (let replicate = 0; replicate < replicates; replicate++) {
    let at = 0;
    for (const [label, members] of classes.entries()) {
      for (let k = 0; k < members.length; k++, at++) {
        sampleScores[at] = scores[members[random.below(members.length)]];
        sampleLabels[at] = label;
      }
    }
    for (const [name, value] of Object.entries<number>(statistics(sampleScores, sampleLabels))) {
      if (!Number.isNaN(value)) (drawn[name] ??= []).push(value);
    }
  }
  const intervals = Object.entries(drawn).map(([name, values]) => [name, percentiles(values)]);
  return Object.fromEntries(intervals) as Record<Name, BootstrapInterval>;
}

function percentiles(values: number[]): BootstrapInterval {
  values.sort((a, b) => a - b);
  return { low: quantile(values, 0.025), high: quantile(values, 0.975) };
}

/** Linear interpolation between order statistics (Hyndman and Fan's type 7, numpy's default). */
export function quantile(sorted: readonly number[], share: number): number {
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const above = Math.min(sorted.length - 1, below + 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
}
