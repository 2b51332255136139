import type * as CsvParse from 'csv-parse/sync';
import type * as CsvStringify from 'csv-stringify/sync';
import { createRequire } from 'node:module';
import { gunzipSync } from 'node:zlib';
import { SamMilError } from '../errors.js';
import { type ReadLimit, readRegular, tooLarge } from '../regular-file.js';

const require = createRequire(import.meta.url);
/** Loaded when the first table is read, because many steps import this module without reading a table. */
const parser = () => require('csv-parse/sync') as typeof CsvParse;
const writer = () => require('csv-stringify/sync') as typeof CsvStringify;

export interface CsvRow {
  /** Line on which the row begins, counted from 1, for messages. */
  line: number;
  values: Record<string, string>;
}

export interface CsvTable {
  columns: string[];
  rows: CsvRow[];
}

export interface CsvOptions {
  /**
   * `true`: the first line contains the column names. `false`: it is data and the columns are `c0`, `c1`, ...
   * `auto`: it is a header if it contains one of `headerWords`, ignoring case. Default `true`.
   */
  header?: boolean | 'auto';
  /** Column names for files without a header, including files where `auto` finds no header. */
  columns?: readonly string[];
  /**
   * Words that identify a header for `auto`. The default words are those of the label files of CLAM, SAM-MIL
   * and MIL benchmarks.
   */
  headerWords?: readonly string[];
  /** Required columns. The error for a missing column lists the columns of the file. */
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
 * Reads a CSV file (gzipped if its name ends in `.gz`): UTF-8 with or without a byte order mark, quoted
 * fields (RFC 4180). Blank lines are skipped and surrounding spaces trimmed.
 * @throws SamMilError InvalidInput, with `file:line`, for a missing file, anything other than a regular file,
 *   more text than the limit (before or after unpacking), rows of different lengths, invalid quoting,
 *   duplicate or missing columns, or no rows
 */
export function readCsv(path: string, options: CsvOptions = {}): CsvTable {
  return parseCsv(readText(path), path, options);
}

/**
 * Like {@link readCsv}, for text in memory.
 * @param file name of the text in errors
 */
export function parseCsv(text: string, file: string, options: CsvOptions = {}): CsvTable {
  const records = parseRecords(text, file, firstLine(text, file));
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
        expected: `${columns.length} fields (${columns.slice(0, 100).join(', ')}${columns.length > 100 ? ', ...' : ''})`,
        found: `${record.length}`,
      });
    }
    return { line, values: Object.fromEntries(columns.map((column, index) => [column, record[index]])) };
  });
  return { columns, rows };
}

/**
 * Formats CSV text with a header line and LF line ends. Fields are quoted only if necessary. Missing and
 * undefined values become empty fields.
 */
export function formatCsv(
  columns: readonly string[],
  rows: readonly Readonly<Record<string, string | number | boolean | undefined>>[],
): string {
  return writer().stringify(
    rows.map((row) => columns.map((column) => (row[column] === undefined ? '' : String(row[column])))),
    { header: true, columns: [...columns] },
  );
}

/** Characters of a row. A longer one is not a table, and would take minutes. */
const MAX_RECORD = 4 << 20;

interface ParsedRecord {
  record: string[];
  line: number;
}

/** Excel writes the separator into a line before the header: `sep=,`. */
function firstLine(text: string, file: string): number {
  const separator = /^\uFEFF?"?sep=(.)"?\r?\n/i.exec(text)?.[1];
  if (separator === undefined) return 1;
  if (separator !== ',') {
    const name = OTHER_SEPARATORS.find(([character]) => character === separator)?.[1] ?? separator;
    throw otherSeparator(file, name, `sep=${separator}`);
  }
  return 2;
}

function parseRecords(text: string, file: string, fromLine: number): ParsedRecord[] {
  try {
    // `info` contains the line on which a record ends. A quoted field may contain line breaks, so count back
    // to the start of the record.
    const parsed = parser().parse(text, {
      bom: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      info: true,
      from_line: fromLine,
      max_record_size: MAX_RECORD,
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return parsed.map(({ record, info }) => ({ record, line: info.lines - lineBreaks(record) }));
  } catch (error) {
    if (!(error instanceof parser().CsvError)) throw error;
    const line = (error as CsvParse.CsvError & { lines?: number }).lines;
    throw new SamMilError('InvalidInput', `is not a valid CSV file: ${error.message}`, {
      file: line === undefined ? file : `${file}:${line}`,
      cause: error,
    });
  }
}

/**
 * Rejects tables with semicolons or tabs as separators, which spreadsheets write where the comma is the
 * decimal sign. They would be read as a single column, and an error about a missing column would not explain
 * the cause.
 */
function refuseOtherSeparators(records: ParsedRecord[], file: string): void {
  for (const [separator, name] of OTHER_SEPARATORS) {
    // Decimal commas cut the rows below the header too.
    const fields = records.map(({ record }) => record.join(',').split(separator).length);
    if (records[0].record.length > 1 || fields[0] < 2) continue;
    if (fields.some((count) => count !== fields[0])) continue;
    throw otherSeparator(file, name, records[0].record[0]);
  }
}

function otherSeparator(file: string, name: string, found: string): SamMilError {
  return new SamMilError('InvalidInput', `its fields are separated by ${name}`, {
    file,
    expected: 'commas, and points in decimal numbers',
    found,
    next: 'save it as CSV with commas between the fields and points in decimal numbers',
  });
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

/** @throws SamMilError InvalidInput if a table does not have a column */
export function requireColumn(file: string, { columns }: CsvTable, column: string): void {
  if (!columns.includes(column)) checkColumns([...columns], `${file}:1`, [column]);
}

function checkColumns(columns: string[], file: string, required: readonly string[]): void {
  const seen = new Set<string>();
  const twice = columns.find((column) => seen.size === seen.add(column).size);
  if (twice !== undefined)
    throw new SamMilError('InvalidInput', `contains the column "${twice}" twice`, { file });
  const missing = required.filter((column) => !columns.includes(column));
  if (missing.length === 0) return;
  throw new SamMilError(
    'InvalidInput',
    `does not contain the column${missing.length > 1 ? 's' : ''} ${missing.join(', ')}`,
    {
      file,
      expected: required.join(', '),
      found: columns.join(', '),
    },
  );
}

/** MiB of text in a table, before and after unpacking. Node cannot hold much more text than the maximum. */
const DEFAULT_MIB = 256;
const MAX_MIB = 511;
const VARIABLE = 'SAM_MIL_TABLE_MIB';

function tableLimit(): ReadLimit {
  const given = Number(process.env[VARIABLE] ?? DEFAULT_MIB);
  const mib = Number.isInteger(given) && given > 0 ? Math.min(given, MAX_MIB) : DEFAULT_MIB;
  const next = `check that this is the right file, or set the environment variable ${VARIABLE} (up to ${MAX_MIB}) for the command and its workers`;
  return { bytes: mib << 20, next };
}

function readText(path: string): string {
  const limit = tableLimit();
  try {
    const bytes = readRegular(path, limit);
    const content = path.toLowerCase().endsWith('.gz')
      ? gunzipSync(bytes, { maxOutputLength: limit.bytes })
      : bytes;
    refuseOtherFormat(path, content);
    return new TextDecoder('utf-8', { fatal: true }).decode(content);
  } catch (error) {
    if (error instanceof SamMilError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(path, 'more than that after unpacking', limit);
    const what =
      code === 'ENOENT'
        ? 'does not exist'
        : error instanceof TypeError
          ? 'is not UTF-8 text'
          : `cannot be read (${code ?? String(error)})`;
    const next = what === 'is not UTF-8 text' ? SAVE_AS_UTF8 : undefined;
    throw new SamMilError('InvalidInput', what, { file: path, expected: 'a CSV file', next, cause: error });
  }
}

const SAVE_AS_UTF8 = 'save it as CSV in UTF-8 (in Excel: "CSV UTF-8")';

/** First bytes of what spreadsheets write in place of CSV in UTF-8. */
const OTHER_FORMATS = [
  ['504b0304', 'an Excel workbook or a ZIP archive'],
  ['d0cf11e0', 'an old Excel workbook'],
  ['fffe', 'UTF-16 text'],
  ['feff', 'UTF-16 text'],
] as const;

function refuseOtherFormat(path: string, content: Uint8Array): void {
  const head = Buffer.from(content.subarray(0, 4)).toString('hex');
  const found = OTHER_FORMATS.find(([start]) => head.startsWith(start))?.[1];
  if (found === undefined && !content.includes(0)) return;
  throw new SamMilError('InvalidInput', 'is not UTF-8 text', {
    file: path,
    expected: 'a CSV file',
    found: found ?? 'NUL bytes, as in UTF-16 text and binary files',
    next: SAVE_AS_UTF8,
  });
}
