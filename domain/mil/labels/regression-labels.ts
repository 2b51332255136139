import { SamMilError } from '../../errors.js';
import { checked, groupColumnOf, rowChecks, type TextTable } from './label-rows.js';
import { isMissing } from './label-text.js';
import type { LabelOptions, LabelRow, LabelTable } from './label-table.js';
import {
  numberOf,
  refuseDifferent,
  refuseInfinite,
  refuseLacking,
  refuseText,
  type CellRow,
} from './quantity-rows.js';

/**
 * Reads values, in their unit. Rows without a value are listed with `unmatched: drop`.
 *
 * @throws SamMilError InvalidInput, with all faults of the file: rows without a value, a value that is text
 *   or not finite, patients with different values, equal values in all rows
 */
export function readRegression(table: TextTable, options: LabelOptions): LabelTable {
  const { file, columns, first } = table;
  const quantity = columns.header ? first[columns.outcome] : 'value';
  const all = table.rows.map((row): CellRow => ({ ...row, text: row.cells[columns.outcome] }));
  const without = all.filter(({ text }) => isMissing(text)).map((row) => ({ ...row, lacks: 'value' }));
  const rows = all.filter(({ text }) => !isMissing(text));
  const lackingRefused = options.unmatched !== 'drop';
  const [nameless, repeats, ...patients] = rowChecks(table, rows);
  checked(file, [
    nameless,
    repeats,
    () => {
      if (lackingRefused) refuseLacking(file, 'no value', without, LACKING);
    },
    ...patients,
    () => refuseText(file, quantity, rows),
    () => refuseInfinite(file, quantity, rows),
    // Rows without a value may have another one.
    () =>
      options.mayNotVary === true ||
      (lackingRefused && without.length > 0) ||
      refuseConstant(file, quantity, rows),
    () => {
      const shown = rows.map(({ text, ...row }) => ({ ...row, shown: String(numberOf(text)) }));
      refuseDifferent(file, 'values', shown.filter((row) => row.shown !== 'NaN')); // prettier-ignore
    },
  ]);
  const groupColumn = groupColumnOf(table);
  return {
    ...{ file, endpoint: 'regression', classes: [], quantity },
    ...(groupColumn !== undefined && { groupColumn }),
    rows: rows.map(labelRow),
    unlabeled: without.map(({ line, name, text, lacks }) => ({ line, name, text, lacks })),
    warnings: [],
  };
}

const LACKING = {
  expected: 'a number in each row',
  next: 'add the values, or set `unmatched: drop` to omit these slides',
};

function refuseConstant(file: string, column: string, rows: readonly CellRow[]): void {
  if (rows.length === 0) throw new SamMilError('InvalidInput', 'no row has a value', { file });
  const value = numberOf(rows[0].text);
  if (rows.some(({ text }) => numberOf(text) !== value)) return;
  throw new SamMilError('InvalidInput', `all values of column "${column}" are ${value}`, {
    file,
    expected: 'values that differ',
    found: `${value} in ${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`,
    next: 'check `label-column`',
  });
}

function labelRow({ line, name, text, group, ignoredGroup }: CellRow): LabelRow {
  return {
    ...{ line, name, label: 0, value: numberOf(text) },
    ...(group !== undefined && { group }),
    ...(ignoredGroup !== undefined && { ignoredGroup }),
  };
}
