import type { RandomStream } from '../../random.js';

/** The masked shares of a bag in MHIM-MIL. */
export interface HardMaskSettings {
  /**
   * Masked share of the instances with the highest teacher attention, drawn from a pool that is larger by 1 /
   * `highPool`.
   */
  high: number;
  highPool: number;
  /** Masked share of the instances with the lowest attention. */
  low: number;
  /** Share masked at random. */
  random: number;
}

/** The order of a random choice among `n` candidates. Tests provide their own. */
export type Shuffle = (n: number, part: 'random' | 'high') => ArrayLike<number>;

/**
 * Selects the instances that remain after masking (Tang et al. 2023, first version): a random share, the
 * instances with the lowest attention and a random share of those with the highest are masked. Each part is
 * chosen among all instances, so parts may overlap.
 *
 * @param ranking [rankings][n]; with several rankings (heads), each votes for its own choice
 * @returns kept rows in ascending order; at least one
 */
export function keptRows(
  ranking: readonly ArrayLike<number>[],
  { high, highPool, low, random }: HardMaskSettings,
  shuffle: Shuffle,
): number[] {
  const n = ranking[0].length;
  const masked = new Set<number>();
  const pick = (pool: number[], count: number, part: 'random' | 'high') => {
    const order = shuffle(pool.length, part);
    for (let i = 0; i < count; i++) masked.add(pool[order[i]]);
  };
  if (random > 0) pick(extremes(ranking, n, 'lowest'), ceil(n * random, n), 'random');
  if (low > 0) extremes(ranking, ceil(n * low, n), 'lowest').forEach((row) => masked.add(row));
  if (high > 0) {
    const share = high / highPool;
    const pool = extremes(ranking, ceil(n * Math.min(1, share), n), 'highest');
    pick(pool, ceil(pool.length * (share > 1 ? high : highPool), pool.length), 'high');
  }
  const kept = Array.from({ length: n }, (_, row) => row).filter((row) => !masked.has(row));
  return kept.length > 0 ? kept : [extremes(ranking, 1, 'highest')[0]];
}

/** Rounds up like the published code, in which 100 x 0.07 is also 7.000000000000001 and so becomes 8. */
function ceil(value: number, most: number): number {
  return Math.min(most, Math.ceil(value));
}

/**
 * The `k` rows with the highest or lowest values, most extreme first. With several rankings, each votes for
 * its own k rows and the k rows with the most votes win. Ties go to the lower row number.
 */
export function extremes(
  ranking: readonly ArrayLike<number>[],
  k: number,
  which: 'highest' | 'lowest',
): number[] {
  const n = ranking[0].length;
  const sign = which === 'highest' ? -1 : 1;
  const sorted = (values: ArrayLike<number>) =>
    Array.from({ length: n }, (_, row) => row)
      .sort((a, b) => sign * (values[a] - values[b]) || a - b)
      .slice(0, k);
  if (ranking.length === 1) return sorted(ranking[0]);
  const votes = new Uint32Array(n);
  for (const values of ranking) for (const row of sorted(values)) votes[row]++;
  return Array.from({ length: n }, (_, row) => row)
    .sort((a, b) => votes[b] - votes[a] || a - b)
    .slice(0, k);
}

/** Falls from `start` to 0 over all steps: start (1 + cos(pi step / total)) / 2. */
export function cosineDecay(start: number, step: number, total: number): number {
  return (start * (1 + Math.cos((Math.PI * step) / total))) / 2;
}

/** Rises from `start` to 1 over all steps. */
export function cosineRise(start: number, step: number, total: number): number {
  return 1 - cosineDecay(1 - start, step, total);
}

/** Creates the shuffle of one training step. */
export function streamShuffle(stream: (purpose: string) => RandomStream): Shuffle {
  return (n, part) => stream(`mask-${part}`).permutation(n);
}
