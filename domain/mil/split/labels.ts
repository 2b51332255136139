import { SamMilError } from '../../errors.js';
import { readCsv } from '../../files/csv.js';
import { classNames } from './class-names.js';
import { findColumns, type ColumnOptions } from './label-columns.js';
import { isMissing, MISSING_WORDS, spellingsText, twoSpellings } from './label-text.js';

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
    if (name === '') throw noName(`${path}:${line}`, cells);
    const ignored = columns.ignored === undefined ? '' : cells[columns.ignored];
    return {
      ...{ line, name, label: cells[columns.label] },
      ...(group !== undefined && { group }),
      ...(!isMissing(ignored) && { ignoredGroup: ignored }),
    };
  });
  refuseRepeats(path, all);
  const unknown = (row: TextRow) => isMissing(row.label) && !options.classes?.includes(row.label);
  const without = all.filter(unknown);
  if (options.unmatched !== 'drop') refuseUnlabeled(path, without);
  const rows = all.filter((row) => !unknown(row));
  if (columns.group !== undefined) refusePatients(path, lines[0].cells[columns.group], rows);
  const classes = classNames(path, rows, options.classes);
  return {
    file: path,
    classes,
    ...(columns.group !== undefined && { groupColumn: lines[0].cells[columns.group] }),
    rows: rows.map((row) => ({ ...row, label: classes.indexOf(row.label) })),
    unlabeled: without.map(({ line, name, label }) => ({ line, name, text: label })),
  };
}

function noName(file: string, cells: readonly string[]): SamMilError {
  return new SamMilError('InvalidInput', 'this row has no name', {
    file,
    found: cells.join(',').slice(0, 120),
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
  const several = twoSpellings(rows.map(({ line, group = '' }) => ({ line, text: group })));
  if (several === undefined) return;
  const [first, second] = several.spellings;
  throw new SamMilError('InvalidInput', `patient "${first.text}" is also spelled "${second.text}"`, {
    file: `${path}:${second.lines[0]}`,
    expected: `one spelling for each patient in column "${column}"`,
    found: spellingsText(several),
    next: 'spell each patient one way',
  });
}

const MAX_ROWS = 12;

/** `line 3 "s01" (nan), line 7 "s05"`. */
function listRows(rows: readonly TextRow[], cellOf: (row: TextRow) => string): string {
  const shown = rows.slice(0, MAX_ROWS).map((row) => {
    const cell = cellOf(row);
    return `line ${row.line} "${row.name}"${cell === '' ? '' : ` (${cell})`}`;
  });
  const more = rows.length > MAX_ROWS ? `, and ${rows.length - MAX_ROWS} more` : '';
  return `${shown.join(', ')}${more}`;
}

function refuseRepeats(path: string, rows: readonly { line: number; name: string }[]): void {
  const lines = new Map<string, number>();
  for (const { line, name } of rows) {
    const before = lines.get(name);
    if (before !== undefined) {
      throw new SamMilError('InvalidInput', `"${name}" has two labels`, {
        file: `${path}:${line}`,
        found: `lines ${before} and ${line}`,
        next: 'keep one row per slide',
      });
    }
    lines.set(name, line);
  }
}
