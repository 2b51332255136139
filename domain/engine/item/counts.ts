/** Items of a stage by what became of them. Imported by workflows: no Node built-in here. */
export interface Counts {
  /** 0 until the stage's source has been listed. */
  total: number;
  /** Includes `cached` and `idle`. */
  done: number;
  /** Items of which no step had to run: receipts showed that nothing changed. */
  cached: number;
  /** Items that the `if` of every step left out. */
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

/** The counters of something that has more members, except for `without`. */
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

/** An item that has ended, as far as the counters need it. */
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

/** How many items have ended, well or not. */
export function countEnded({ done, skipped, failed }: Counts): number {
  return done + skipped + failed;
}

/** Finished items of which a step had to run. */
export function countMade({ done, cached, idle }: Counts): number {
  return done - cached - idle;
}

/** `14/24`: how many of the items have ended. */
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

/** The counters beside {@link showEnded} that are not zero, in words: `['cached', '3 unchanged']`. */
export function showCounts(counts: Counts): (readonly [Counter, string])[] {
  return WORDS.filter(([name]) => counts[name] > 0).map(([name, word]) => [name, `${counts[name]} ${word}`]);
}
