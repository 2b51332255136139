import { statSync } from 'node:fs';
import { join } from 'node:path';
import { digestOfFile } from '../../digest.js';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { makeScratchFolder } from '../../files/make-folders.js';
import { writeFeatures } from '../../pathology/layouts/bag-files.js';
import { formatCsv, readCsv, type CsvRow } from '../../files/csv.js';
import { isDecimal } from '../../files/decimal.js';
import type { ItemRecord, Job, JobResult, OutputFile } from '../../job.js';
import { measure, standardized } from '../bags/standardize.js';
import type { ImportWith } from './parameters.js';

interface TableBag {
  key: string;
  label: string;
  /** Instances x features, row-major. */
  features: Float32Array;
}

/**
 * Converts a table of instances, the format of classical MIL data sets, to one features file per bag, a list
 * of items and a labels file.
 */
export async function run(job: Job<ImportWith>): Promise<JobResult> {
  const { bags, dim } = readTable(job.with);
  const matrices = bags.map(({ features }) => features);
  const scale = job.with.standardize ? measure(matrices, dim) : undefined;
  makeScratchFolder(job.scratch, 'bags');
  const alongside: OutputFile[] = [];
  const items: ItemRecord[] = [];
  for (const [i, { key, label, features }] of bags.entries()) {
    job.signal.throwIfAborted();
    const from = join(job.scratch, 'bags', `${key}.h5`);
    const values = scale === undefined ? features : standardized(features, scale);
    writeFeatures(from, { features: values, dim, coords: instanceNumbers(features.length / dim) });
    alongside.push({ from, to: `bags/${key}.h5` });
    items.push(await bagItem(key, label, from));
    job.progress({ unit: 'bags', done: i + 1, total: bags.length });
  }
  const labels = join(job.scratch, 'labels.csv');
  const rows = bags.map(({ key, label }) => ({ slide_id: key, path: `bags/${key}.h5`, label }));
  writeAtomic(labels, formatCsv(['slide_id', 'path', 'label'], rows));
  const list = join(job.scratch, 'bags.jsonl');
  items.sort((a, b) => (a.key < b.key ? -1 : 1));
  writeAtomic(list, items.map((item) => `${JSON.stringify(item)}\n`).join(''));
  const instances = bags.reduce((sum, { features }) => sum + features.length / dim, 0);
  return {
    files: { bags: { from: list, to: 'bags.jsonl' }, labels: { from: labels, to: 'labels.csv' } },
    alongside,
    values: { count: bags.length, instances, dim },
  };
}

/**
 * Returns the bag as an item whose path is relative to the list, because the stage's folder is unknown and
 * may be renamed.
 */
async function bagItem(key: string, label: string, path: string): Promise<ItemRecord> {
  const bag = { path: `./bags/${key}.h5`, digest: await digestOfFile(path), bytes: statSync(path).size };
  return { key, fields: { name: key, label }, status: 'done', outputs: { bag } };
}

/** There is no slide, so instance i is placed at (i, 0). */
function instanceNumbers(rows: number): Int32Array {
  return Int32Array.from({ length: rows * 2 }, (_, i) => (i % 2 === 0 ? i / 2 : 0));
}

/**
 * Reads the bags in order of first appearance.
 *
 * @throws SamMilError InvalidInput, with the line, on values that are not finite numbers, a bag with two
 *   labels or without one, or a name that is not a safe file name
 */
export function readTable(options: ImportWith): { bags: TableBag[]; dim: number } {
  const file = options.table.path;
  const { columns, rows } = readCsv(file, { header: true });
  const bagColumn = pickColumn(file, columns, options.bagColumn, ['bag', 'bag_id'], 'bag-column');
  const labelColumn = pickColumn(file, columns, options.labelColumn, ['label', 'bag_label'], 'label-column');
  const left = new Set([bagColumn, labelColumn, ...options.ignore]);
  const features = columns.filter((column) => !left.has(column));
  if (features.length === 0) {
    throw new SamMilError('InvalidInput', 'the table has no feature columns', {
      file,
      found: columns.join(', '),
    });
  }
  refuseNumbering(file, features);
  if (rows.length === 0) {
    throw new SamMilError('InvalidInput', 'the table has no instances', {
      file,
      expected: 'one row per instance',
    });
  }
  const groups = new Map<string, CsvRow[]>();
  for (const row of rows) {
    const key = row.values[bagColumn];
    checkKey(key, `${file}:${row.line}`);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  const bags = [...groups].map(([key, members]) => tableBag(key, members, labelColumn, features, file));
  return { bags, dim: features.length };
}

/** Names of columns that number the rows or name what they belong to. */
const NUMBERING =
  /^(|unnamed: \d+(\.\d+)?|(index|level)(_\d+)?|row|id|(row|instance|inst|patch|tile|slide|case|patient|subject|sample|bag)[_ -]?(id|idx|index|no|nr|num|number)?)$/i;

/**
 * Rows of one bag lie together, and bags of one class often too, so a model can learn the label from the
 * number of a row. pandas writes it as a first column without a name.
 */
function refuseNumbering(file: string, features: readonly string[]): void {
  const found = features.filter((column) => NUMBERING.test(column.trim()));
  if (found.length === 0) return;
  throw new SamMilError('InvalidInput', 'the table has columns that number or name the rows', {
    file,
    expected: 'columns of features, besides those of the bag and the label',
    found: found.map((column) => JSON.stringify(column)).join(', '),
    next: 'list them in `ignore` (`""` for a column without a name), or rename a column that is a feature',
  });
}

function pickColumn(
  file: string,
  columns: string[],
  requested: string | undefined,
  usual: string[],
  parameter: string,
): string {
  const found = requested === undefined ? usual.find((name) => columns.includes(name)) : requested;
  if (found !== undefined && columns.includes(found)) return found;
  throw new SamMilError('InvalidInput', `the table has no column ${requested ?? usual.join(' or ')}`, {
    file,
    found: columns.slice(0, 12).join(', '),
    next: `set \`${parameter}\` to its name`,
  });
}

function checkKey(key: string, file: string): void {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.+ -]{0,199}$/u.test(key)) return;
  throw new SamMilError('InvalidInput', 'the name of the bag is not a safe file name', {
    file,
    expected: 'letters, digits, _ . + - and spaces',
    found: JSON.stringify(key),
  });
}

function tableBag(
  key: string,
  rows: readonly CsvRow[],
  labelColumn: string,
  columns: readonly string[],
  file: string,
): TableBag {
  const label = rows[0].values[labelColumn];
  const bare = rows.find(({ values }) => values[labelColumn] === '');
  if (bare !== undefined) {
    throw new SamMilError('InvalidInput', `bag "${key}" has an instance without a label`, {
      file: `${file}:${bare.line}`,
      expected: `the label of the bag in column "${labelColumn}"`,
    });
  }
  const other = rows.find(({ values }) => values[labelColumn] !== label);
  if (other !== undefined) {
    throw new SamMilError('InvalidInput', `bag "${key}" has two labels`, {
      file: `${file}:${other.line}`,
      expected: `${label}, as in line ${rows[0].line}`,
      found: other.values[labelColumn],
    });
  }
  const features = new Float32Array(rows.length * columns.length);
  rows.forEach(({ values, line }, i) =>
    columns.forEach((column, j) => {
      features[i * columns.length + j] = parseNumber(values[column], column, `${file}:${line}`);
    }),
  );
  return { key, label, features };
}

function parseNumber(text: string, column: string, file: string): number {
  const value = isDecimal(text) ? Number(text) : NaN;
  if (Number.isFinite(Math.fround(value))) return value;
  throw new SamMilError('InvalidInput', `column "${column}" does not hold a finite number`, {
    file,
    found: JSON.stringify(text),
    next: 'list columns that are not features in `ignore`',
  });
}
