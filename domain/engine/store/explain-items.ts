import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../../json.js';
import type { ItemRecord, ItemsRef } from '../../job.js';
import { itemRecordFault, linesOf } from './item-shapes.js';
import { meaningOf, readItems } from './items-digest.js';
import { runFolder } from './paths.js';
import { digestOfJson } from '../../digest.js';

/**
 * Names the items that differ between a list that a step has read and the list that it would read now:
 * `tumor_001 has different content, tumor_009 is new`. The earlier list is looked up by its digest in the
 * record of the run that made the step's outputs; undefined if it is no longer there.
 * @param digest digest of the earlier list's meaning, see `digestOfItems`
 */
export async function itemsDifference(
  work: string,
  run: string,
  digest: string,
  now: ItemsRef,
): Promise<string | undefined> {
  const before = await findItems(work, run, digest);
  if (before === undefined) return undefined;
  const [was, is] = [byKey(before, work), byKey(await readItems(work, now), work)];
  const differences = [...new Set([...was.keys(), ...is.keys()])].sort().flatMap((key) => {
    if (!was.has(key)) return [`${key} is new`];
    if (!is.has(key)) return [`${key} was removed`];
    return was.get(key) === is.get(key) ? [] : [`${key} has different content`];
  });
  const more = differences.length - SHOWN;
  return `${differences.slice(0, SHOWN).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

const SHOWN = 3;

function byKey(items: readonly ItemRecord[], work: string): Map<string, string> {
  return new Map(items.map((item) => [item.key, canonicalJson(meaningOf(item, work))]));
}

/** Reads the items files of a run until one has the digest. */
async function findItems(work: string, run: string, digest: string): Promise<ItemRecord[] | undefined> {
  const stages = join(runFolder(work, run), 'stages');
  const files = (await readdir(stages, { recursive: true }).catch(() => [])).filter((name) =>
    name.endsWith('items.jsonl'),
  );
  for (const file of files) {
    const items = await readFile(join(stages, file), 'utf8')
      .then((text) => linesOf<ItemRecord>(text, itemRecordFault))
      // An unreadable list only leaves the difference without a name.
      .catch(() => []);
    if (digestOfJson(items.map((item) => meaningOf(item, work))) === digest) return items;
  }
  return undefined;
}
