/** Numbers of items of a stage by outcome. Workflows import this file, so it uses no Node built-ins. */
export interface Counts {
  /** 0 until the stage's source has been listed. */
  total: number;
  /** Includes `cached` and `idle`. */
  done: number;
  /** Items for which no step had to run, because their receipts are up to date. */
  cached: number;
  /** Items for which the `if` of every step was false. */
  idle: number;
  skipped: number;
  failed: number;
  running: number;
}

export type Counter = keyof Counts;

export function zeroCounts(total = 0): Counts {
  return { total, done: 0, cached: 0, idle: 0, skipped: 0, failed: 0, running: 0 };
}

export const COUNTERS = Object.keys(zeroCounts()) as Counter[];

/** Picks the counters from an object with more members, except for `without`. */
export function pickCounts<Without extends Counter = never>(
  from: Counts,
  without?: Without,
): Omit<Counts, Without> {
  const names = COUNTERS.filter((name) => name !== without);
  return Object.fromEntries(names.map((name) => [name, from[name]])) as Omit<Counts, Without>;
}

export function addCounts(all: readonly Counts[]): Counts {
  const sum = zeroCounts();
  for (const counts of all) for (const name of COUNTERS) sum[name] += counts[name];
  return sum;
}

/** The properties of an ended item that the counters use. */
export interface CountedItem {
  status: 'done' | 'skipped' | 'failed';
  cached: boolean;
  idle?: true;
}

/** Counts an item that has ended. */
export function addItem(counts: Counts, { status, cached, idle }: CountedItem): void {
  counts[status] += 1;
  if (status === 'done' && cached) counts.cached += 1;
  if (idle) counts.idle += 1;
}

/** Number of items that have ended, successfully or not. */
export function countEnded({ done, skipped, failed }: Counts): number {
  return done + skipped + failed;
}

/** Number of finished items for which a step had to run. */
export function countMade({ done, cached, idle }: Counts): number {
  return done - cached - idle;
}

/** Formats the number of ended items: `14/24`. */
export function showEnded(counts: Counts): string {
  return `${countEnded(counts)}/${counts.total}`;
}

const WORDS: readonly (readonly [Counter, string])[] = [
  ['cached', 'unchanged'],
  ['idle', 'left out by if'],
  ['skipped', 'skipped'],
  ['failed', 'failed'],
  ['running', 'running'],
];

/** Formats the nonzero counters that {@link showEnded} does not show: `['cached', '3 unchanged']`. */
export function showCounts(counts: Counts): (readonly [Counter, string])[] {
  return WORDS.filter(([name]) => counts[name] > 0).map(([name, word]) => [name, `${counts[name]} ${word}`]);
}
