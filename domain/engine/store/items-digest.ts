import { basename } from 'node:path';
import { digestOf, digestOfJson } from '../../digest.js';
import { isFileRef, type ItemRecord, type ItemsRef } from '../../job.js';
import { isJsonObject, jsonLines, type Json } from '../../json.js';
import { readReferencedText } from './damaged-output.js';
import { itemRecordFault, linesOf } from './item-shapes.js';
import { relativeToWork } from './paths.js';

/** Results by digest of the items file, because all cells of a matrix read the same file. */
const meanings = new Map<string, string>();
/** Parsed items files by digest, for the same reason. */
const parsed = new Map<string, readonly ItemRecord[]>();
const KEPT = 8;
/** Texts of items files that exist only in a forecast, by digest. */
const forecasts = new Map<string, string>();

/**
 * Digest of the meaning of an items file: keys, fields, status, and the content of outputs, without
 * locations. Moving the work folder or the slide folder or renaming a stage does not change it. Activities
 * must therefore read items through their outputs, never through a path in their fields.
 * @throws SamMilError OutputDamaged if the file cannot be read or does not match the reference
 */
export async function digestOfItems(work: string, ref: ItemsRef): Promise<string> {
  const items = await readItems(work, ref);
  const name = `${work}\n${ref.items.digest}`;
  const meaning = meanings.get(name) ?? digestOfJson(items.map((item) => meaningOf(item, work)));
  meanings.set(name, meaning);
  return meaning;
}

/**
 * The same list of records is returned again; callers must not change it.
 * @throws SamMilError OutputDamaged if the file cannot be read or does not match the reference
 */
export async function readItems(work: string, { items }: ItemsRef): Promise<readonly ItemRecord[]> {
  const { digest } = items;
  const text = forecasts.get(digest) ?? (await readReferencedText(work, items));
  const before = parsed.get(digest);
  if (before !== undefined) return before;
  const records = parseItems(text);
  if (parsed.size >= KEPT) parsed.clear();
  parsed.set(digest, records);
  return records;
}

/** Creates a reference to items that are not in a file: the items that a stage would return if it ran now. */
export function forecastItems(stage: string, records: readonly ItemRecord[]): ItemsRef {
  const text = jsonLines(records);
  const digest = digestOf(text);
  forecasts.set(digest, text);
  const items = { path: `.runs/forecast/${stage}.jsonl`, digest, bytes: Buffer.byteLength(text) };
  return { items, count: records.length };
}

/** Parses the records of an items file (JSON lines). */
function parseItems(text: string): ItemRecord[] {
  return linesOf<ItemRecord>(text, itemRecordFault);
}

/** What of an item counts as its content: everything except where its files are. */
export function meaningOf(item: ItemRecord, work: string): Json {
  const { path, ...fields } = item.fields;
  const name = typeof path === 'string' ? basename(path) : (path ?? null);
  return {
    key: item.key,
    status: item.status,
    path: name,
    fields: withoutPlace(fields, work),
    outputs: withoutPlace(item.outputs, work),
  };
}

/** The value with files by name and digest, and without the path of the work folder. */
export function withoutPlace(value: Json, work: string): Json {
  if (isFileRef(value)) return { name: basename(value.path), digest: value.digest };
  if (typeof value === 'string') return relativeToWork(work, value) ?? value;
  if (Array.isArray(value)) return value.map((member) => withoutPlace(member, work));
  if (!isJsonObject(value)) return value;
  const members = Object.entries(value).map(([key, member]) => [key, withoutPlace(member, work)] as const);
  return Object.fromEntries(members);
}
