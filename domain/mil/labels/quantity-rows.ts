import { SamMilError } from '../../errors.js';
import { firstNames } from '../bags/first-names.js';
import { listRows, type TextRow } from './label-rows.js';
import { readNumberCell } from './number-cells.js';
import { MISSING_WORDS } from './label-text.js';

/** A row whose time or value is stated, as text. */
export type CellRow = TextRow & { text: string };

/** A row that does not state all that is needed. */
export type LackingRow = CellRow & { lacks: string };

/** What a row states of its patient, in a form that can be compared and shown. */
export interface ShownRow {
  line: number;
  group?: string;
  shown: string;
}

/** The number of a cell; NaN for other texts. */
export function numberOf(text: string): number {
  const cell = readNumberCell(text);
  return 'value' in cell ? cell.value : NaN;
}

/** What is wrong with cells of a column. */
interface CellFault {
  file: string;
  column: string;
  /** `is not a number`, `are not numbers`. */
  verbs: readonly [one: string, several: string];
  expected: string;
  next: string;
}

/** @throws SamMilError InvalidInput listing the cells that are text */
export function refuseText(file: string, column: string, rows: readonly CellRow[]): void {
  refuseCells(rows.filter(({ text }) => faultOf(text) === 'text'), {
    ...{ file, column, verbs: ['is not a number', 'are not numbers'] },
    expected: `numbers such as 12.5 (not known: ${MISSING_WORDS})`,
    next: 'write plain numbers without units and without separators of thousands, or name another column',
  }); // prettier-ignore
}

/** @throws SamMilError InvalidInput listing the cells that are too large */
export function refuseInfinite(file: string, column: string, rows: readonly CellRow[]): void {
  refuseCells(rows.filter(({ text }) => faultOf(text) === 'infinite'), {
    ...{ file, column, verbs: ['is not finite', 'are not finite'] },
    expected: 'finite numbers',
    next: 'correct the numbers, or leave the cells empty where they are not known',
  }); // prettier-ignore
}

/** @throws SamMilError InvalidInput listing the negative cells */
export function refuseNegative(file: string, column: string, rows: readonly CellRow[]): void {
  refuseCells(rows.filter(({ text }) => numberOf(text) < 0), {
    ...{ file, column, verbs: ['is negative', 'are negative'] },
    expected: 'times of at least 0',
    next: 'correct the times, or leave the cells empty where they are not known',
  }); // prettier-ignore
}

function faultOf(text: string): 'text' | 'infinite' | undefined {
  const cell = readNumberCell(text);
  return 'fault' in cell ? cell.fault : undefined;
}

function refuseCells(rows: readonly CellRow[], { file, column, verbs, ...facts }: CellFault): void {
  if (rows.length === 0) return;
  const cells = rows.length === 1 ? '1 cell' : `${rows.length} cells`;
  throw new SamMilError(
    'InvalidInput',
    `${cells} of column "${column}" ${verbs[rows.length === 1 ? 0 : 1]}`,
    {
      ...facts,
      file: `${file}:${rows[0].line}`,
      found: listRows(rows, ({ text }) => text),
    },
  );
}

/** @throws SamMilError InvalidInput listing the rows that lack this */
export function refuseLacking(
  file: string,
  what: string,
  rows: readonly LackingRow[],
  { expected, next }: { expected: string; next: string },
): void {
  if (rows.length === 0) return;
  const count = rows.length === 1 ? '1 row has' : `${rows.length} rows have`;
  throw new SamMilError('InvalidInput', `${count} ${what}`, {
    file: `${file}:${rows[0].line}`,
    expected: `${expected} (not known: ${MISSING_WORDS})`,
    found: listRows(rows, ({ text }) => text),
    next,
  });
}

/**
 * All slides of a patient have one follow-up or value.
 * @param what `times or events`, or `values`
 * @throws SamMilError InvalidInput naming the patients, and the lines of their rows
 */
export function refuseDifferent(file: string, what: string, rows: readonly ShownRow[]): void {
  const patients = new Map<string, Map<string, number>>();
  for (const { line, group, shown } of rows) {
    if (group === undefined) continue;
    const seen = patients.get(group) ?? new Map<string, number>();
    if (!seen.has(shown)) seen.set(shown, line);
    patients.set(group, seen);
  }
  const several = [...patients].filter(([, seen]) => seen.size > 1);
  if (several.length === 0) return;
  const count = several.length === 1 ? `patient "${several[0][0]}" has` : `${several.length} patients have`;
  const texts = several.map(
    ([name, seen]) => `${name} (${[...seen].map(([shown, line]) => `${shown} in line ${line}`).join(', ')})`,
  );
  throw new SamMilError('InvalidInput', `${count} different ${what}`, {
    file: `${file}:${[...several[0][1].values()][1]}`,
    expected: 'the same for all slides of a patient',
    found: firstNames(texts),
    next: 'correct the table, or set `group-column` if the column does not identify patients',
  });
}
