import { SamMilError } from '../../errors.js';
import { classNames, refuseOneClass } from './class-names.js';
import {
  checked,
  groupColumnOf,
  listRows,
  readRows,
  rowChecks,
  type TextRow,
  type TextTable,
} from './label-rows.js';
import type { LabelOptions, LabelTable } from './label-table.js';
import { isMissing, MISSING_WORDS } from './label-text.js';
import { readRegression } from './regression-labels.js';
import { readSurvival } from './survival-labels.js';

/**
 * Reads a labels CSV. With a header, columns are found by name. Without one, they are name and label, as in
 * the published CAMELYON16 and TCGA files. Text such as `nan` or `NA` is a missing label unless `classes`
 * lists it. Rows with nothing but empty cells are skipped.
 *
 * @throws SamMilError InvalidInput naming the file and line: unknown column, row without name, label or
 *   patient, repeated name, a class or patient that is spelled in several ways, fewer than two classes; for
 *   survival and regression also see {@link readSurvival} and {@link readRegression}
 */
export function readLabels(path: string, options: LabelOptions = {}): LabelTable {
  const table = readRows(path, options);
  if (options.endpoint === 'survival') return readSurvival(table, options);
  return options.endpoint === 'regression' ? readRegression(table, options) : readClasses(table, options);
}

function readClasses(table: TextTable, options: LabelOptions): LabelTable {
  const { file, columns } = table;
  const all = table.rows.map((row) => ({ ...row, label: row.cells[columns.outcome] }));
  const unknown = ({ label }: ClassRow) => isMissing(label) && !options.classes?.includes(label);
  const without = all.filter(unknown);
  const unlabeledRefused = options.unmatched !== 'drop';
  const rows = all.filter((row) => !unknown(row));
  const groupColumn = groupColumnOf(table);
  const [nameless, repeats, ...patients] = rowChecks(table, rows);
  const classes = checked(file, [
    nameless,
    repeats,
    () => !unlabeledRefused || refuseUnlabeled(file, without),
    ...patients,
    // Rows without a label may have the other class.
    () => (unlabeledRefused && without.length > 0) || refuseOneClass(file, rows),
    () => classNames(file, rows, options.classes),
  ]);
  return {
    ...{ file, endpoint: 'classification', classes },
    ...(groupColumn !== undefined && { groupColumn }),
    rows: rows.map(({ cells: _, ...row }) => ({ ...row, label: classes.indexOf(row.label) })),
    unlabeled: without.map(({ line, name, label }) => ({ line, name, text: label, lacks: 'label' })),
    warnings: [],
  };
}

type ClassRow = TextRow & { label: string };

function refuseUnlabeled(path: string, rows: readonly ClassRow[]): void {
  if (rows.length === 0) return;
  const what = rows.length === 1 ? '1 row has no label' : `${rows.length} rows have no label`;
  throw new SamMilError('InvalidInput', what, {
    file: `${path}:${rows[0].line}`,
    expected: `a class in each row (without a class: ${MISSING_WORDS})`,
    found: listRows(rows, ({ label }) => label),
    next: 'add the labels, or set `unmatched: drop` to omit these slides; if such a text is a class, list it in `classes`',
  });
}
