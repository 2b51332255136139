import type { ItemRecord } from '../../job.js';
import { isFileRef } from '../../job.js';

/**
 * Names of bags with the same bytes, group by group, both sorted: one slide under several names. Split apart, such bags let a model be tested on what it
 * was trained on.
 */
export function identicalBags(items: readonly ItemRecord[]): string[][] {
  const names = new Map<string, string[]>();
  for (const { key, status, outputs } of items) {
    const features = [outputs.bag, outputs['bag-pt']].find(isFileRef);
    if (status !== 'done' || features === undefined) continue;
    names.set(features.digest, [...(names.get(features.digest) ?? []), key]);
  }
  const groups = [...names.values()].filter((keys) => keys.length > 1).map((keys) => keys.sort());
  return groups.sort((a, b) => (a[0] < b[0] ? -1 : 1));
}
