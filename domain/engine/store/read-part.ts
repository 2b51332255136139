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
  /** File name under which the implementation gets the text. Default: that of the whole input. */
  name?: string;
  /** The step reads nothing of the input: it counts as not given, in the key and for the implementation. */
  absent?: true;
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
  const kept = records.filter(({ key }) => chosen.has(key)).map((record) => reduced(record, outputs, work));
  if (kept.length !== chosen.size) {
    throw new SamMilError('Internal', `${chosen.size} items were selected, ${kept.length} exist`);
  }
  const covers = kept.map(({ key, digest }) => [`${chosen.get(key)} ${key}`, digest] as const);
  return { text: kept.map(({ line }) => line).join(''), covers: Object.fromEntries(covers) };
}

/** A record with some of its outputs, and the digest of their content. */
interface Reduced {
  key: string;
  line: string;
  digest: string;
  /** What it was made for. */
  names: string;
}

/** Every fold of a stage reads many of the same records. */
const known = new WeakMap<ItemRecord, Reduced>();

function reduced(record: ItemRecord, names: readonly string[], work: string): Reduced {
  const made = [work, ...names].join('\n');
  const before = known.get(record);
  if (before?.names === made) return before;
  const { key, status } = record;
  const outputs = pick(record.outputs, names);
  const digest = digestOfJson({ status, outputs: withoutPlace(outputs, work) });
  const found = { key, line: jsonLines([{ key, fields: {}, status, outputs }]), digest, names: made };
  known.set(record, found);
  return found;
}

function pick(outputs: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(outputs).filter(([name]) => names.includes(name)));
}
