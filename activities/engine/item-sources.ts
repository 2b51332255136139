import glob from 'fast-glob';
import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, parse, resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { readCsv, type CsvRow } from '../../domain/files/csv.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import type { ItemSource } from '../../domain/engine/language/plan/plan.js';
import { resolveInside } from '../../domain/engine/store/inside.js';
import { readExclusions, refuseStrangers } from './exclusions.js';
import { isFileRef } from '../../domain/job.js';

/** An item of a source. `place` is its position in the source, for messages. */
export interface SourceItem {
  fields: JsonObject;
  place: string;
  /** Why the pipeline leaves it out. */
  excluded?: string;
}

export type ListedSource = Extract<ItemSource, { kind: 'glob' | 'dir' | 'csv' | 'list' }>;

/**
 * Returns the items of a source, unsorted. Paths become absolute; every item with a `path` has a `name` (that
 * of the file, without extension). `value` is the source's value with its expressions evaluated. Relative
 * paths are resolved against `base`, in a table against the table's folder.
 * Called in a separate process by `readSource`, so arguments and result are JSON.
 * @throws SamMilError InvalidInput naming what is missing, unreadable or empty
 */
export async function itemsOfSource(
  source: ListedSource,
  value: Json,
  base: string,
  work: string,
  exclude: Json = null,
): Promise<SourceItem[]> {
  const items = withoutExcluded(await allItems(source, value, base, work), {
    keyField: source.keyField,
    file:
      exclude === null || exclude === ''
        ? undefined
        : resolve(base, await requirePath(exclude, 'exclude', work)),
  });
  // Neither files of a folder nor those of a pattern are missing. An excluded file may be.
  if (source.kind === 'csv' || source.kind === 'list') await refuseMissingFiles(items);
  return items;
}

async function allItems(
  source: ListedSource,
  value: Json,
  base: string,
  work: string,
): Promise<SourceItem[]> {
  if (source.kind === 'list') return itemsOfList(value, base);
  const path = await requirePath(value, source.kind, work);
  const items =
    source.kind === 'csv'
      ? await itemsOfTable(resolve(base, path))
      : await itemsOfFiles(source.kind, path, base);
  if (items.length > 0) return items;
  throw new SamMilError('InvalidInput', `the source \`${source.kind}\` has no items`, {
    file: resolve(base, path),
    next:
      source.kind === 'glob'
        ? 'check that the folder exists and that its file names match the pattern'
        : 'check the folder',
  });
}

function withoutExcluded(
  items: SourceItem[],
  { keyField, file }: { keyField: string | undefined; file: string | undefined },
): SourceItem[] {
  if (file === undefined) return items;
  const exclusions = readExclusions(file, keyField);
  const keys = items.map(({ fields }) => keyOf(fields, keyField));
  refuseStrangers(exclusions, keys, file);
  return items.map((item, i) => {
    const excluded = exclusions.get(keys[i])?.reason;
    return excluded === undefined ? item : { ...item, excluded };
  });
}

/** @throws SamMilError InvalidInput if the item has no such field */
export function keyOf(fields: JsonObject, keyField: string | undefined): string {
  const value = keyField === undefined ? (fields.key ?? fields.name) : fields[keyField];
  if (typeof value === 'string') return value;
  if (value !== undefined && value !== null) return JSON.stringify(value);
  throw new SamMilError(
    'InvalidInput',
    `an item has no field \`${keyField ?? 'key` or `name'}\`, which would be its key`,
    {
      expected: `one of the fields ${Object.keys(fields).join(', ')}`,
      next: 'add `key: FIELD` to the `foreach` of the stage; the key is the unique name of the item',
    },
  );
}

async function itemsOfFiles(kind: 'glob' | 'dir', path: string, base: string): Promise<SourceItem[]> {
  const cwd = kind === 'dir' ? resolve(base, path) : base;
  const pattern = kind === 'dir' ? '*' : path;
  // A trailing slash selects slides that are folders (a DICOM series), as in the shell: `series/*/`.
  const folders = pattern.endsWith('/');
  const options = {
    cwd,
    absolute: true,
    onlyFiles: false,
    onlyDirectories: folders,
    objectMode: true,
  } as const;
  const entries = await glob(pattern, options).catch((cause: unknown) => {
    const { code, path: at } = cause as NodeJS.ErrnoException;
    throw new SamMilError('InvalidInput', `the folder cannot be read (${code ?? 'unknown reason'})`, {
      file: at ?? resolve(cwd, pattern),
      next: 'check that it exists and that this user may read it',
      cause,
    });
  });
  // A dangling link (a slide on an unmounted disk) stays an item, so that it fails by name instead of being
  // silently missing.
  return entries
    .filter(({ dirent }) => folders || dirent.isFile() || dirent.isSymbolicLink())
    .map(({ path }) => (folders ? resolve(path) : path))
    .map((path) => ({ fields: { path, name: folders ? basename(path) : parse(path).name }, place: path }));
}

async function itemsOfTable(table: string): Promise<SourceItem[]> {
  const { columns, rows } = readCsv(table, { header: true });
  const folder = dirname(table);
  const pathColumns = new Set<string>(columns.includes('path') ? ['path'] : []);
  for (const column of columns) if (await holdsPaths(column, rows, folder)) pathColumns.add(column);
  return rows.map(({ line, values }) => {
    const fields: JsonObject = {};
    for (const column of columns) {
      const value = values[column];
      fields[column] = pathColumns.has(column) && value !== '' ? resolve(folder, value) : value;
    }
    return { fields: withName(fields), place: `${table}:${line}` };
  });
}

/** A column contains paths if every non-empty value looks like a path and exists relative to the table. */
async function holdsPaths(column: string, rows: CsvRow[], folder: string): Promise<boolean> {
  const values = rows.map((row) => row.values[column]).filter((value) => value !== '');
  if (values.length === 0 || !values.every((value) => /[./\\]/.test(value))) return false;
  for (const value of values) if (!(await exists(resolve(folder, value)))) return false;
  return true;
}

function itemsOfList(value: Json, base: string): SourceItem[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new SamMilError('InvalidInput', 'the source `list` has no items', {
      expected: 'a list of paths or of objects',
      found: JSON.stringify(value).slice(0, 100),
    });
  }
  return value.map((entry, index) => ({
    fields: listFields(entry, base),
    place: `list entry ${index + 1}`,
  }));
}

/** A string is a path; an object has the fields, possibly with a path; any other value is the item's name. */
function listFields(entry: Json, base: string): JsonObject {
  if (typeof entry === 'string') return withName({ path: isAbsolute(entry) ? entry : join(base, entry) });
  if (!isJsonObject(entry)) return { name: JSON.stringify(entry) };
  const { path } = entry;
  return withName(typeof path === 'string' ? { ...entry, path: resolve(base, path) } : entry);
}

function withName(fields: JsonObject): JsonObject {
  if (fields.name !== undefined || typeof fields.path !== 'string') return fields;
  return { ...fields, name: parse(fields.path).name };
}

/** Reports all missing files in one message, so that the user fixes the table once. */
async function refuseMissingFiles(items: SourceItem[]): Promise<void> {
  const missing: string[] = [];
  for (const { fields, place, excluded } of items) {
    const { path } = fields;
    if (excluded !== undefined) continue;
    if (path === '' || (typeof path === 'string' && !(await exists(path)))) missing.push(`${place}: ${path}`);
  }
  if (missing.length === 0) return;
  const shown = missing.slice(0, 10).join('\n');
  const more = missing.length > 10 ? `\nand ${missing.length - 10} more` : '';
  throw new SamMilError('InvalidInput', `${missing.length} of ${items.length} files are missing`, {
    found: `${shown}${more}`,
    next: 'add the files or remove their lines',
  });
}

async function requirePath(value: Json, kind: string, work: string): Promise<string> {
  if (typeof value === 'string' && value !== '') return value;
  if (isFileRef(value)) return resolveInside(work, value.path);
  throw new SamMilError('InvalidInput', `the source \`${kind}\` requires a path`, {
    found: JSON.stringify(value),
  });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
