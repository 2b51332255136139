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
  const [sampleScores, sampleLabels] = [new Float64Array(labels.length), new Uint8Array(labels.length)];
  return bootstrapRows(strataOf(labels), replicates, names, (rows) => {
    for (let at = 0; at < rows.length; at++) {
      sampleScores[at] = scores[rows[at]];
      sampleLabels[at] = labels[rows[at]];
    }
    return statistics(sampleScores, sampleLabels);
  }) as Record<Name, BootstrapInterval>;
}

/**
 * Percentile bootstrap of any statistics. Each replicate draws rows with replacement within each stratum:
 * classes, censored patients and those with events, or one stratum of all rows. Rows are whatever metrics
 * count, so patients at patient level.
 *
 * @param strata row numbers, see {@link strataOf}
 * @param names of the random stream; the same names give the same intervals
 * @param statistics called once per replicate with the drawn rows, in an array that is reused; null and NaN
 *   are ignored
 * @returns one interval per name that was defined in any replicate
 */
export function bootstrapRows<Name extends string>(
  strata: readonly (readonly number[])[],
  replicates: number,
  names: readonly (string | number)[],
  statistics: (rows: Uint32Array) => Record<Name, number | null>,
): Partial<Record<Name, BootstrapInterval>> {
  const random = new RandomStream(...names);
  const drawn: Record<string, number[]> = {};
  const rows = new Uint32Array(strata.reduce((sum, members) => sum + members.length, 0));
  for (let replicate = 0; replicate < replicates; replicate++) {
    let at = 0;
    for (const members of strata) {
      for (let k = 0; k < members.length; k++) rows[at++] = members[random.below(members.length)];
    }
    for (const [name, value] of Object.entries<number | null>(statistics(rows))) {
      if (value !== null && !Number.isNaN(value)) (drawn[name] ??= []).push(value);
    }
  }
  const intervals = Object.entries(drawn).map(([name, values]) => [name, percentiles(values)]);
  return Object.fromEntries(intervals) as Partial<Record<Name, BootstrapInterval>>;
}

/** Row numbers by key, such as class or event; strata in ascending order of their keys. */
export function strataOf(keys: Numbers): number[][] {
  const strata = new Map<number, number[]>();
  for (let i = 0; i < keys.length; i++) {
    const members = strata.get(keys[i]);
    if (members === undefined) strata.set(keys[i], [i]);
    else members.push(i);
  }
  return [...strata].sort(([a], [b]) => a - b).map(([, members]) => members);
}

/** Picks rows of an array, for statistics of a replicate. */
export function pick(values: Numbers, rows: Uint32Array): Float64Array {
  return Float64Array.from(rows, (row) => values[row]);
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
