import { digestOfJson } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import type { ItemRecord } from '../../job.js';
import { jsonLines, type JsonObject } from '../../json.js';
import { withoutPlace } from './items-digest.js';

/** The part of an input file that a step reads: what its key covers, and all that its implementation gets. */
export interface ReadPart {
  /** Given to the implementation in place of the file. */
  text: string;
  /**
   * Everything in `text` that can change the outputs, by a description such as `training bag slide_07`: the
   * digest of the content, or a short text such as the name of a class.
   */
  covers: Record<string, string>;
}

/** Digest of a part for the cache key. */
export function digestOfPart({ covers }: ReadPart): string {
  return digestOfJson(covers);
}

/**
 * Selects items of a list, each with only the given outputs and without fields.
 * @param chosen keys of the items, with what they are to the step: `training bag`
 * @param work absolute path of the work folder
 * @throws SamMilError Internal if the list has no such item: callers check that with a better message
 */
export function partOfItems(
  records: readonly ItemRecord[],
  chosen: ReadonlyMap<string, string>,
  outputs: readonly string[],
  work: string,
): ReadPart {
  const kept = records
    .filter(({ key }) => chosen.has(key))
    .map(({ key, status, outputs: given }) => ({ key, fields: {}, status, outputs: pick(given, outputs) }));
  if (kept.length !== chosen.size) {
    throw new SamMilError('Internal', `${chosen.size} items were selected, ${kept.length} exist`);
  }
  const covers = kept.map(({ key, status, outputs: given }) => {
    return [`${chosen.get(key)} ${key}`, digestOfJson({ status, outputs: withoutPlace(given, work) })];
  });
  return { text: jsonLines(kept), covers: Object.fromEntries(covers) as Record<string, string> };
}

function pick(outputs: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => names.includes(name)));
}
