import type { ItemRecord } from '../../job.js';
import { isFileRef } from '../../job.js';

/**
 * Groups the names of bags with identical bytes, with sorted groups and names. These are slides under several
 * names. If they are in different sets, a model is tested on its training data.
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
