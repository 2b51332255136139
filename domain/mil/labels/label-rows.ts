import { SamMilError, together } from '../../errors.js';
import { readCsv } from '../../files/csv.js';
import { findColumns, type ColumnOptions, type Columns } from './label-columns.js';
import { firstOf, isMissing, linesByText, refuseSeveral, severalSpellings } from './label-text.js';
import { spreadsheetHint } from './near-names.js';

/** A row of a labels file, as text. */
export interface TextRow {
  line: number;
  cells: readonly string[];
  name: string;
  group?: string;
  ignoredGroup?: string;
}

export interface TextTable {
  file: string;
  columns: Columns;
  /** Cells of the first row, which names the columns if there is a header. */
  first: readonly string[];
  rows: TextRow[];
}

/**
 * Reads the rows of a labels file. Rows with nothing but empty cells are skipped.
 * @throws SamMilError InvalidInput for a file without rows, and as {@link findColumns}
 */
export function readRows(path: string, options: ColumnOptions): TextTable {
  const table = readCsv(path, { header: false });
  const lines = table.rows
    .map(({ line, values }) => ({
      line,
      cells: table.columns.map((column) => (values[column] ?? '').trim()),
    }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
  if (lines.length === 0) throw new SamMilError('InvalidInput', 'has no rows', { file: path });
  const columns = findColumns(path, lines.map(({ cells }) => cells), options); // prettier-ignore
  const rows = (columns.header ? lines.slice(1) : lines).map(({ line, cells }): TextRow => {
    const group = columns.group === undefined ? undefined : cells[columns.group];
    const ignored = columns.ignored === undefined ? '' : cells[columns.ignored];
    return {
      ...{ line, cells, name: cells[columns.key] },
      ...(group !== undefined && { group }),
      ...(!isMissing(ignored) && { ignoredGroup: ignored }),
    };
  });
  return { file: path, columns, first: lines[0].cells, rows };
}

/** Name of the patient column, if the file has one. */
export function groupColumnOf({ columns, first }: TextTable): string | undefined {
  return columns.group === undefined ? undefined : first[columns.group];
}

/**
 * The checks of names and patients that labels of every endpoint need.
 * @param known the rows with a label, whose patients must be known
 */
export function rowChecks({ file, rows, ...table }: TextTable, known: readonly TextRow[]): (() => void)[] {
  const column = groupColumnOf({ file, rows, ...table });
  return [
    () => refuseNameless(file, rows),
    () => refuseRepeats(file, rows),
    () => {
      if (column !== undefined) refusePatients(file, column, known);
    },
    () => {
      if (column !== undefined) refusePatientSpellings(file, column, known);
    },
  ];
}

/**
 * Makes all checks of a file, so that one look at it is enough.
 * @returns what the last check returns
 * @throws SamMilError InvalidInput with the only fault, or with all of them
 */
export function checked<T>(file: string, checks: readonly [...(() => unknown)[], () => T]): T {
  const faults: SamMilError[] = [];
  let last: unknown;
  for (const check of checks) {
    try {
      last = check();
    } catch (error) {
      if (!(error instanceof SamMilError)) throw error;
      faults.push(error);
    }
  }
  if (faults.length === 0) return last as T;
  throw together(faults, 'faults in the labels', { file });
}

function refuseNameless(path: string, all: readonly TextRow[]): void {
  const nameless = all.filter(({ name }) => name === '');
  if (nameless.length === 0) return;
  const what = nameless.length === 1 ? 'this row has no name' : `${nameless.length} rows have no name`;
  throw new SamMilError('InvalidInput', what, {
    file: `${path}:${nameless[0].line}`,
    found: firstOf(nameless.map(({ line, cells }) => `line ${line} (${cells.join(',').slice(0, 120)})`)),
  });
}

/**
 * The patient of every slide must be known: with slides of a patient in two sets, a model would be tested on
 * its training data.
 */
function refusePatients(path: string, column: string, rows: readonly TextRow[]): void {
  const without = rows.filter(({ group = '' }) => isMissing(group));
  if (without.length > 0) {
    const count = without.length === 1 ? '1 row has' : `${without.length} rows have`;
    throw new SamMilError('InvalidInput', `${count} no patient in column "${column}"`, {
      file: `${path}:${without[0].line}`,
      expected: 'a patient in each row',
      found: listRows(without, ({ group = '' }) => group),
      next: 'add the patients, or set `group-column: none` if slides of one patient may be in different sets',
    });
  }
}

function refusePatientSpellings(path: string, column: string, rows: readonly TextRow[]): void {
  const known = rows.flatMap(({ line, group = '' }) => (isMissing(group) ? [] : [{ line, text: group }]));
  refuseSeveral('patient', severalSpellings(known), {
    file: path,
    expected: `one spelling for each patient in column "${column}"`,
    next: 'spell each patient one way',
  });
}

/** `line 3 "s01" (nan), line 7 "s05"`. */
export function listRows<Row extends TextRow>(rows: readonly Row[], cellOf: (row: Row) => string): string {
  return firstOf(
    rows.map((row) => {
      const cell = cellOf(row);
      return `line ${row.line} "${row.name}"${cell === '' ? '' : ` (${cell})`}`;
    }),
  );
}

function refuseRepeats(path: string, rows: readonly { line: number; name: string }[]): void {
  const named = rows.filter(({ name }) => name !== '').map(({ line, name }) => ({ line, text: name }));
  const repeated = linesByText(named).spellings.filter(({ lines }) => lines.length > 1);
  if (repeated.length === 0) return;
  const [{ text, lines }] = repeated;
  const what = repeated.length === 1 ? `"${text}" has` : `${repeated.length} names have`;
  const count = repeated.every(({ lines }) => lines.length === 2) ? 'two' : 'several';
  const listed = repeated.map(({ text, lines }) => `"${text}" (lines ${lines.join(', ')})`);
  throw new SamMilError('InvalidInput', `${what} ${count} labels`, {
    file: `${path}:${lines[1]}`,
    found: repeated.length === 1 ? `lines ${lines.join(' and ')}` : firstOf(listed),
    next: spreadsheetHint([text]) ?? 'keep one row per slide',
  });
}
