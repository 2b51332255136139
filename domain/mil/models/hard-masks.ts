import type { RandomStream } from '../../random.js';

/** Shares of a bag that MHIM-MIL masks. */
export interface HardMaskSettings {
  /** Of the instances the teacher attends to most: `high` are masked, drawn from a pool that is larger by 1 / `highPool`. */
  high: number;
  highPool: number;
  /** The least attended ones. */
  low: number;
  /** Any, at random. */
  random: number;
}

/** Order of a random choice among `n` candidates; tests give their own. */
export type Shuffle = (n: number, part: 'random' | 'high') => ArrayLike<number>;

/**
 * Instances that stay after masking (Tang et al. 2023, first version): a random share, the lowest attended and a random share of the highest are
 * masked. Each part is chosen among all instances, so they may overlap.
 *
 * @param ranking [rankings][n]; with several rankings (heads) each votes for its own
 * @returns kept rows, rising; at least one
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

/** Rounded up as the published code does: 100 x 0.07 is 7.000000000000001 there too, and so 8. */
function ceil(value: number, most: number): number {
  return Math.min(most, Math.ceil(value));
}

/**
 * The `k` rows with the highest or lowest values, most extreme first. Of several rankings each names its own k, and the k most named are taken; of
 * equals the lower row number.
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

/** The shuffle of one training step. */
export function streamShuffle(stream: (purpose: string) => RandomStream): Shuffle {
  return (n, part) => stream(`mask-${part}`).permutation(n);
}
