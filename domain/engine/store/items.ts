import { dirname, join } from 'node:path';
import { SamMilError } from '../../errors.js';
import type { ItemRecord } from '../../job.js';
import { isJsonObject, type JsonObject } from '../../json.js';
import { readRegular } from '../../regular-file.js';
import { givenItemFault } from './item-shapes.js';

/**
 * Reads the records of an items file (JSON lines, sorted by key; see {@link ItemRecord}). An output path that
 * begins with `./` is relative to that file; activities write it because they do not know the folder of their
 * stage. It is returned as an absolute path.
 * @param path absolute path of the file that an ItemsRef names
 * @throws SamMilError InvalidInput, with file and line, if the file cannot be read, a line is not a record or
 *   a key occurs twice
 */
export function readItems(path: string): ItemRecord[] {
  const lines = readText(path).split('\n');
  const records = lines.flatMap((line, i) =>
    line.trim() === '' ? [] : [placed(parseRecord(line, `${path}:${i + 1}`), dirname(path))],
  );
  const seen = new Set<string>();
  for (const { key } of records) {
    if (seen.has(key)) throw new SamMilError('InvalidInput', `item "${key}" occurs twice`, { file: path });
    seen.add(key);
  }
  return records;
}

function placed(record: ItemRecord, folder: string): ItemRecord {
  const outputs: JsonObject = {};
  for (const [name, value] of Object.entries(record.outputs)) {
    const beside = isJsonObject(value) && typeof value.path === 'string' && value.path.startsWith('./');
    outputs[name] = beside ? { ...value, path: join(folder, value.path as string) } : value;
  }
  return { ...record, outputs };
}

const LIMIT = { bytes: 511 << 20, next: 'check that this is a file of items' };

function readText(path: string): string {
  try {
    return readRegular(path, LIMIT).toString('utf8');
  } catch (cause) {
    if (cause instanceof SamMilError) throw cause;
    throw new SamMilError('InvalidInput', 'the items file cannot be read', {
      file: path,
      found: (cause as Error).message,
      next: 'run the stage that creates these items again',
      cause,
    });
  }
}

function parseRecord(line: string, place: string): ItemRecord {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new SamMilError('InvalidInput', 'not a line of JSON', { file: place, cause });
  }
  const fault = givenItemFault(value);
  if (fault !== undefined) {
    throw new SamMilError('InvalidInput', `not an item record: ${fault}`, {
      file: place,
      expected: '{"key", "fields", "status": "done" | "skipped" | "failed", "outputs"}',
      found: line.slice(0, 120),
    });
  }
  const record = value as Partial<ItemRecord>;
  return { ...record, fields: record.fields ?? {}, outputs: record.outputs ?? {} } as ItemRecord;
}
