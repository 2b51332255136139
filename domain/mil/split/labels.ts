import { SamMilError, together } from '../../errors.js';
import { readCsv } from '../../files/csv.js';
import { classNames, refuseOneClass } from './class-names.js';
import { findColumns, type ColumnOptions } from './label-columns.js';
import { spreadsheetHint } from './near-names.js';
import {
  firstOf,
  isMissing,
  linesByText,
  MISSING_WORDS,
  refuseSeveral,
  severalSpellings,
} from './label-text.js';

/** One row of a labels file. `label` indexes {@link LabelTable.classes}. */
export interface LabelRow {
  line: number;
  /** The slide, case or patient of the row, as written. */
  name: string;
  label: number;
  /** The patient, whose slides must stay in one set. Absent if the file has no patient column. */
  group?: string;
  /** The patient that `group-column: none` ignores. */
  ignoredGroup?: string;
}

/** A row whose label is not known. */
export interface UnlabeledRow {
  line: number;
  name: string;
  /** The cell of the label, as written. */
  text: string;
}

export interface LabelTable {
  file: string;
  /** Names in class-index order. */
  classes: string[];
  /** Name of the patient column, if the file has one. */
  groupColumn?: string;
  rows: LabelRow[];
  /** Only with `unmatched: drop`. */
  unlabeled: UnlabeledRow[];
}

export interface LabelOptions extends ColumnOptions {
  /** Class names in index order (the last of two is the positive one). Default: sorted, numbers by value. */
  classes?: readonly string[];
  /** `drop`: rows without a label are listed instead of refused. Default: refused. */
  unmatched?: 'error' | 'drop';
}

interface TextRow {
  line: number;
  cells: readonly string[];
  name: string;
  label: string;
  group?: string;
  ignoredGroup?: string;
}

/**
 * Reads a labels CSV. With a header, columns are found by name. Without one, they are name and label, as in
 * the published CAMELYON16 and TCGA files. Text such as `nan` or `NA` is a missing label unless `classes`
 * lists it. Rows with nothing but empty cells are skipped.
 *
 * @throws SamMilError InvalidInput naming the file and line: unknown column, row without name, label or
 *   patient, repeated name, a class or patient that is spelled in several ways, fewer than two classes
 */
export function readLabels(path: string, options: LabelOptions = {}): LabelTable {
  const table = readCsv(path, { header: false });
  const lines = table.rows
    .map(({ line, values }) => ({
      line,
      cells: table.columns.map((column) => (values[column] ?? '').trim()),
    }))
    .filter(({ cells }) => cells.some((cell) => cell !== ''));
  if (lines.length === 0) throw new SamMilError('InvalidInput', 'has no rows', { file: path });
  const columns = findColumns(path, lines.map(({ cells }) => cells), options); // prettier-ignore
  const all = (columns.header ? lines.slice(1) : lines).map(({ line, cells }): TextRow => {
    const group = columns.group === undefined ? undefined : cells[columns.group];
    const name = cells[columns.key];
    const ignored = columns.ignored === undefined ? '' : cells[columns.ignored];
    return {
      ...{ line, cells, name, label: cells[columns.label] },
      ...(group !== undefined && { group }),
      ...(!isMissing(ignored) && { ignoredGroup: ignored }),
    };
  });
  const unknown = (row: TextRow) => isMissing(row.label) && !options.classes?.includes(row.label);
  const without = all.filter(unknown);
  const unlabeledRefused = options.unmatched !== 'drop';
  const rows = all.filter((row) => !unknown(row));
  const column = columns.group === undefined ? undefined : lines[0].cells[columns.group];
  const classes = checked(path, [
    () => refuseNameless(path, all),
    () => refuseRepeats(path, all),
    () => !unlabeledRefused || refuseUnlabeled(path, without),
    () => column === undefined || refusePatients(path, column, rows),
    () => column === undefined || refusePatientSpellings(path, column, rows),
    // Rows without a label may have the other class.
    () => (unlabeledRefused && without.length > 0) || refuseOneClass(path, rows),
    () => classNames(path, rows, options.classes),
  ]);
  return {
    file: path,
    classes,
    ...(columns.group !== undefined && { groupColumn: lines[0].cells[columns.group] }),
    rows: rows.map(({ cells: _, ...row }) => ({ ...row, label: classes.indexOf(row.label) })),
    unlabeled: without.map(({ line, name, label }) => ({ line, name, text: label })),
  };
}

/**
 * Makes all checks of a file, so that one look at it is enough.
 * @returns what the last check returns
 * @throws SamMilError InvalidInput with the only fault, or with all of them
 */
function checked<T>(file: string, checks: readonly [...(() => unknown)[], () => T]): T {
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

function refuseUnlabeled(path: string, rows: readonly TextRow[]): void {
  if (rows.length === 0) return;
  const what = rows.length === 1 ? '1 row has no label' : `${rows.length} rows have no label`;
  throw new SamMilError('InvalidInput', what, {
    file: `${path}:${rows[0].line}`,
    expected: `a class in each row (without a class: ${MISSING_WORDS})`,
    found: listRows(rows, ({ label }) => label),
    next: 'add the labels, or set `unmatched: drop` to omit these slides; if such a text is a class, list it in `classes`',
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
function listRows(rows: readonly TextRow[], cellOf: (row: TextRow) => string): string {
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
