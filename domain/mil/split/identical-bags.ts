import { createHash } from 'node:crypto';
import { SamMilError } from '../../errors.js';
import type { Job } from '../../job.js';
import { openFeatureRows, type FeatureRows } from '../../pathology/layouts/feature-rows.js';
import type { BagEntry } from '../bags/bags.js';

/**
 * Groups the names of bags with identical features, with sorted groups and names. These are slides under
 * several names. If they are in different sets, a model is tested on its training data. The files of such
 * bags can differ, because a bag states the name of its slide. A bag that cannot be read belongs to no group;
 * the steps that need it say why.
 */
export function identicalBags(
  bags: readonly BagEntry[],
  { signal, progress }: Pick<Job, 'signal' | 'progress'>,
): string[][] {
  const glances = bags.map((bag, i) => {
    signal.throwIfAborted();
    progress({ unit: 'bags compared', done: i, total: bags.length });
    return glanceOf(bag);
  });
  const alike = [...groupBy(bags, (_, i) => glances[i]).values()].filter((group) => group.length > 1);
  const equal = alike.flatMap((group) => [...groupBy(group, digestOfFeatures).values()]);
  const names = equal.filter((group) => group.length > 1).map((group) => group.map(({ key }) => key).sort());
  return names.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}

function groupBy<T>(items: readonly T[], keyOf: (item: T, index: number) => string | undefined) {
  const groups = new Map<string, T[]>();
  items.forEach((item, i) => {
    const key = keyOf(item, i);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), item]);
  });
  return groups;
}

/** Shape, first and last row: enough to tell almost all bags apart without reading them whole. */
function glanceOf(bag: BagEntry): string | undefined {
  return reading(bag, (file) => {
    const ends = [file.readRows(0, 1), file.readRows(file.rows - 1, 1)];
    return [file.rows, file.dim, ...ends.map((row) => createHash('sha256').update(row).digest('hex'))].join();
  });
}

const ROWS_AT_ONCE = 1024;

function digestOfFeatures(bag: BagEntry): string | undefined {
  return reading(bag, (file) => {
    const hash = createHash('sha256');
    for (let row = 0; row < file.rows; row += ROWS_AT_ONCE) {
      hash.update(file.readRows(row, Math.min(ROWS_AT_ONCE, file.rows - row)));
    }
    return hash.digest('hex');
  });
}

/** Returns undefined for a bag that cannot be read. */
function reading<T>({ features }: BagEntry, read: (file: FeatureRows) => T): T | undefined {
  try {
    const file = openFeatureRows(features);
    try {
      return read(file);
    } finally {
      file.close();
    }
  } catch (error) {
    if (error instanceof SamMilError) return undefined;
    throw error;
  }
}
