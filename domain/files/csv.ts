import type * as CsvParse from 'csv-parse/sync';
import type * as CsvStringify from 'csv-stringify/sync';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import { SamMilError } from '../errors.js';

const require = createRequire(import.meta.url);
/** Loaded with the first table: many steps import this module and meet none. */
const parser = () => require('csv-parse/sync') as typeof CsvParse;
const writer = () => require('csv-stringify/sync') as typeof CsvStringify;

export interface CsvRow {
  /** Line of the file the row begins on, counted from 1: for messages. */
  line: number;
  values: Record<string, string>;
}

export interface CsvTable {
  columns: string[];
  rows: CsvRow[];
}

export interface CsvOptions {
  /**
   * `true`: the first line names the columns. `false`: it is data and the columns are `c0`, `c1`, ... `auto`: it is a header where one of
   * `headerWords` (any case) stands in it.
   */
  header?: boolean | 'auto';
  /** Column names for files without a header, or whose header is `auto` and absent. */
  columns?: readonly string[];
  /** Words that betray a header under `auto`; by default those of the label files that CLAM, SAM-MIL and MIL benchmarks use. */
  headerWords?: readonly string[];
  /** Columns that must be there; a missing one is an error that lists those present. */
  required?: readonly string[];
}

const HEADER_WORDS = [
  'slide_id',
  'slide',
  'case_id',
  'patient',
  'label',
  'bag',
  'bag_id',
  'bag_label',
  'name',
  'filename',
  'file',
  'path',
  'key',
];

/**
 * Reads a CSV file, gzipped where its name ends in `.gz`: UTF-8 with or without a byte order mark, quoted fields (RFC 4180), blank lines skipped, surrounding spaces trimmed.
 * @throws SamMilError InvalidInput as `file:line` on a missing file, ragged rows, bad quoting, duplicate or missing columns, no rows
 */
export function readCsv(path: string, options: CsvOptions = {}): CsvTable {
  return parseCsv(readText(path), path, options);
}

/** As {@link readCsv}, of text already read; `file` names it in errors. */
export function parseCsv(text: string, file: string, options: CsvOptions = {}): CsvTable {
  const records = parseRecords(text, file);
  if (records.length === 0)
    throw new SamMilError('InvalidInput', 'has no rows', { file, expected: 'a CSV table' });
  refuseOtherSeparators(records, file);
  const hasHeader = headerPresent(records[0].record, options);
  const columns = hasHeader ? records[0].record : namedColumns(records[0].record.length, options.columns);
  checkColumns(columns, `${file}:${hasHeader ? records[0].line : 1}`, options.required ?? []);
  const rows = records.slice(hasHeader ? 1 : 0).map(({ record, line }) => {
    if (record.length !== columns.length) {
      throw new SamMilError('InvalidInput', 'has a row of the wrong length', {
        file: `${file}:${line}`,
        expected: `${columns.length} fields (${columns.join(', ')})`,
        found: `${record.length}`,
      });
    }
    return { line, values: Object.fromEntries(columns.map((column, index) => [column, record[index]])) };
  });
  return { columns, rows };
}

/** CSV text with a header line, `\n` line ends, fields quoted only where they must be. Missing and undefined values are empty fields. */
export function formatCsv(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, string | number | boolean | undefined>>[],
): string {
  return writer().stringify(
    rows.map((row) => columns.map((column) => (row[column] === undefined ? '' : String(row[column])))),
    { header: true, columns: [...columns] },
  );
}

interface ParsedRecord {
  record: string[];
  line: number;
}

function parseRecords(text: string, file: string): ParsedRecord[] {
  try {
    // `info` gives the line a record ends on; a quoted field may hold line breaks, so count back to where it began.
    const parsed = parser().parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      info: true,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return parsed.map(({ record, info }) => ({ record, line: info.lines - lineBreaks(record) }));
  } catch (error) {
    if (!(error instanceof parser().CsvError)) throw error;
    const line = (error as CsvParse.CsvError & { lines?: number }).lines;
    throw new SamMilError('InvalidInput', `is not a well-formed CSV file: ${error.message}`, {
      file: line === undefined ? file : `${file}:${line}`,
      cause: error,
    });
  }
}

/**
 * A table saved with semicolons or tabs (a spreadsheet's habit where the comma is the decimal sign) reads as one column; the complaint about a
 * missing column that would follow does not tell the reader what to mend.
 */
function refuseOtherSeparators(records: ParsedRecord[], file: string): void {
  for (const [separator, name] of OTHER_SEPARATORS) {
    const fields = records.map(({ record }) => (record.length === 1 ? record[0].split(separator).length : 0));
    if (fields[0] < 2 || fields.some((count) => count !== fields[0])) continue;
    throw new SamMilError('InvalidInput', `its fields are separated by ${name}`, {
      file,
      expected: 'commas',
      found: records[0].record[0],
      next: 'save it as CSV with commas between the fields',
    });
  }
}

const OTHER_SEPARATORS = [
  [';', 'semicolons'],
  ['\t', 'tabs'],
] as const;

function lineBreaks(record: string[]): number {
  return record.reduce((sum, field) => sum + (field.match(/\n/g)?.length ?? 0), 0);
}

function headerPresent(first: string[], options: CsvOptions): boolean {
  if (options.header !== 'auto') return options.header ?? true;
  const words = new Set((options.headerWords ?? HEADER_WORDS).map((word) => word.toLowerCase()));
  return first.some((field) => words.has(field.toLowerCase()));
}

function namedColumns(count: number, names: readonly string[] = []): string[] {
  return Array.from({ length: count }, (_, index) => names[index] ?? `c${index}`);
}

function checkColumns(columns: string[], file: string, required: readonly string[]): void {
  const twice = columns.find((column, index) => columns.indexOf(column) !== index);
  if (twice !== undefined)
    throw new SamMilError('InvalidInput', `names the column "${twice}" twice`, { file });
  const missing = required.filter((column) => !columns.includes(column));
  if (missing.length === 0) return;
  throw new SamMilError(
    'InvalidInput',
    `lacks the column${missing.length > 1 ? 's' : ''} ${missing.join(', ')}`,
    {
      file,
      expected: required.join(', '),
      found: columns.join(', '),
    },
  );
}

function readText(path: string): string {
  try {
    const bytes = readFileSync(path);
    const content = path.toLowerCase().endsWith('.gz') ? gunzipSync(bytes) : bytes;
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const what =
      code === 'ENOENT'
        ? 'does not exist'
        : error instanceof TypeError
          ? 'is not UTF-8 text'
          : `can't be read (${code ?? String(error)})`;
    throw new SamMilError('InvalidInput', what, { file: path, expected: 'a CSV file', cause: error });
  }
}
