import glob from 'fast-glob';
import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, parse, resolve } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { readCsv, type CsvRow } from '../../domain/files/csv.js';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.js';
import type { ItemSource } from '../../domain/engine/language/plan/plan.js';
import { splitPattern, unescapeGlob } from '../../domain/engine/language/glob-text.js';
import { resolveInside } from '../../domain/engine/store/inside.js';
import { readExclusions, refuseStrangers } from './exclusions.js';
import { isFileRef } from '../../domain/job.js';

/** An item of a source. `place` is its position in the source, for messages. */
export interface SourceItem {
  fields: JsonObject;
  place: string;
  /** Why the pipeline leaves it out. */
  excluded?: string;
  /** Fields that name files, which must exist. Default: `path`. */
  paths?: readonly string[];
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
      ? await itemsOfTable(resolve(base, path), base, source.keyField)
      : await itemsOfFiles(source.kind, path, base);
  if (items.length > 0) return items;
  throw new SamMilError('InvalidInput', `the source \`${source.kind}\` has no items`, {
    file: source.kind === 'glob' ? unescapeGlob(resolve(base, path)) : resolve(base, path),
    next:
      source.kind === 'glob'
        ? 'check that the folder exists and that its file names match the pattern (the text of a `path` param and of outputs is literal)'
        : 'check the folder',
  });
}

function withoutExcluded(
  items: SourceItem[],
  { keyField, file }: { keyField: string | undefined; file: string | undefined },
): SourceItem[] {
  if (file === undefined) return items;
  const exclusions = readExclusions(file, keyField);
  const keys = items.map((item) => keyOf(item, keyField));
  refuseStrangers(exclusions, keys, file);
  return items.map((item, i) => {
    const excluded = exclusions.get(keys[i])?.reason;
    return excluded === undefined ? item : { ...item, excluded };
  });
}

/**
 * @param place where the item is, such as `slides.csv:2`
 * @throws SamMilError InvalidInput if the item has no such field
 */
export function keyOf({ fields, place }: SourceItem, keyField: string | undefined): string {
  const value = keyField === undefined ? (fields.key ?? fields.name) : fields[keyField];
  if (typeof value === 'string') return value;
  if (value !== undefined && value !== null) return JSON.stringify(value);
  const names = Object.keys(fields);
  const meant = names.find((name) => keyField !== undefined && isSameName(name, keyField));
  throw new SamMilError(
    'InvalidInput',
    `${place}: the item has no field \`${keyField ?? 'key` or `name'}\`, which is its key`,
    {
      found: `the fields ${names.join(', ')}`,
      next:
        meant === undefined
          ? 'name the column or field of the unique names so, or name it in `key` of the `foreach`'
          : `rename "${meant}" to ${keyField ?? ''}, or write \`key: ${meant}\` in the \`foreach\``,
    },
  );
}

/** `Slide ID` and `slide_id` are. */
function isSameName(a: string, b: string): boolean {
  return a.localeCompare(b, 'en', { sensitivity: 'base', ignorePunctuation: true }) === 0;
}

async function itemsOfFiles(kind: 'glob' | 'dir', path: string, base: string): Promise<SourceItem[]> {
  const { folder, pattern, open } =
    kind === 'dir' ? { folder: path, pattern: '*', open: true } : splitPattern(path);
  const cwd = resolve(base, folder);
  // A trailing slash selects slides that are folders (a DICOM series), as in the shell: `series/*/`.
  const folders = pattern.endsWith('/');
  const options = {
    cwd,
    absolute: true,
    onlyFiles: false,
    onlyDirectories: folders,
    objectMode: true,
    // Scanners write `.SVS` and `.TIF`: a pattern such as `*.svs` means these files too.
    caseSensitiveMatch: !open,
  } as const;
  const entries = await glob(pattern, options).catch((cause: unknown) => {
    const { code, path: at } = cause as NodeJS.ErrnoException;
    throw new SamMilError('InvalidInput', `the folder cannot be read (${code ?? 'unknown reason'})`, {
      file: at ?? cwd,
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

async function itemsOfTable(table: string, base: string, keyField?: string): Promise<SourceItem[]> {
  const { columns, rows } = readCsv(table, { header: true });
  const folder = dirname(table);
  const pathColumns = new Set<string>();
  for (const column of columns) {
    if (column === 'path' || (await holdsPaths(column, rows, { folder, base, table, keyField })))
      pathColumns.add(column);
  }
  return rows.map(({ line, values }) => {
    const fields: JsonObject = {};
    for (const column of columns) {
      const value = values[column];
      fields[column] = pathColumns.has(column) && value !== '' ? resolve(folder, value) : value;
    }
    return { fields: withName(fields), place: `${table}:${line}`, paths: [...pathColumns] };
  });
}

/** Columns whose values name an item or a class, even if files have these names. */
const NAMES = /^(key|name|.*id|.*label|class)$/i;

/**
 * Whether a column contains paths: every non-empty value looks like a path, and at least one exists relative
 * to the table. The others are then missing files. File names in a column of names remain names.
 *
 * @throws SamMilError InvalidInput if no file exists beside the table but one does beside the pipeline: it
 *   may belong to another cohort
 */
async function holdsPaths(
  column: string,
  rows: CsvRow[],
  { folder, base, table, keyField }: { folder: string; base: string; table: string; keyField?: string },
): Promise<boolean> {
  const values = rows.map((row) => row.values[column]).filter((value) => value !== '');
  if (values.length === 0 || !values.every((value) => /[^./\\]/.test(value) && /[./\\]/.test(value)))
    return false;
  if ((keyField ?? 'key') === column || (NAMES.test(column) && !values.some((value) => /[/\\]/.test(value))))
    return false;
  for (const value of values) if (await exists(resolve(folder, value))) return true;
  if (resolve(folder) === resolve(base)) return false;
  for (const value of values) {
    if (isAbsolute(value) || !(await exists(resolve(base, value)))) continue;
    throw new SamMilError(
      'InvalidInput',
      `column "${column}" names files beside the pipeline, not beside the table`,
      {
        file: table,
        expected: `files relative to the table, such as ${resolve(folder, value)}`,
        found: resolve(base, value),
        next: 'write paths relative to the table, or absolute paths',
      },
    );
  }
  return false;
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
  let count = 0;
  for (const { fields, place, excluded, paths = ['path'] } of items) {
    for (const column of paths) {
      const path = fields[column];
      if (typeof path !== 'string' || (path === '' && column !== 'path')) continue;
      count++;
      if (excluded !== undefined) continue;
      if (path === '' || !(await exists(path))) missing.push(`${place}: ${path}`);
    }
  }
  if (missing.length === 0) return;
  const shown = missing.slice(0, 10).join('\n');
  const more = missing.length > 10 ? `\nand ${missing.length - 10} more` : '';
  throw new SamMilError('InvalidInput', `${missing.length} of ${count} files are missing`, {
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
