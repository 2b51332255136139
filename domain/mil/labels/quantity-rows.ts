import { SamMilError } from '../../errors.js';
import { firstNames } from '../bags/first-names.js';
import { listRows, type TextRow } from './label-rows.js';
import { readNumberCell } from './number-cells.js';
import { MISSING_WORDS } from './label-text.js';

/** A row whose time or value is stated, as text. */
export type CellRow = TextRow & { text: string };

/** A row that does not state all that is needed. */
export type LackingRow = CellRow & { lacks: string };

/** The number of a cell; NaN where {@link refuseNumbers} refuses it. */
export function numberOf(text: string): number {
  const cell = readNumberCell(text);
  return 'value' in cell ? cell.value : NaN;
}

/**
 * Refuses cells that are text or too large.
 * @param column with the name of the parameter that chose it, for what to do next
 * @throws SamMilError InvalidInput listing the cells
 */
export function refuseNumbers(file: string, column: string, rows: readonly CellRow[]): void {
  refuseCells(rows, ({ text }) => fault(text) === 'text', (cells) => ({
    what: `column "${column}" has ${cells} that are not numbers`,
    file,
    expected: `numbers such as 12.5 (not known: ${MISSING_WORDS})`,
    next: 'write plain numbers without units and without separators of thousands, or name another column',
  })); // prettier-ignore
}

/** @throws SamMilError InvalidInput listing the cells */
export function refuseInfinite(file: string, column: string, rows: readonly CellRow[]): void {
  refuseCells(rows, ({ text }) => fault(text) === 'infinite', (cells) => ({
    what: `column "${column}" has ${cells} that are not finite`,
    file,
    expected: 'finite numbers',
    next: 'correct the numbers, or leave the cells empty where they are not known',
  })); // prettier-ignore
}

function fault(text: string): 'text' | 'infinite' | undefined {
  const cell = readNumberCell(text);
  return 'fault' in cell ? cell.fault : undefined;
}

interface CellFault {
  what: string;
  file: string;
  expected: string;
  next: string;
}

/** Refuses the rows that are `wrong`, with their cells. */
export function refuseCells<Row extends CellRow>(
  rows: readonly Row[],
  wrong: (row: Row) => boolean,
  faultOf: (cells: string) => CellFault,
): void {
  const found = rows.filter(wrong);
  if (found.length === 0) return;
  const { what, file, ...facts } = faultOf(found.length === 1 ? '1 cell' : `${found.length} cells`);
  throw new SamMilError('InvalidInput', what.replace('1 cell that are', '1 cell that is'), {
    ...facts,
    file: `${file}:${found[0].line}`,
    found: listRows(found, ({ text }) => text),
  });
}

/** @throws SamMilError InvalidInput listing the rows that lack this */
export function refuseLacking(file: string, what: string, rows: readonly LackingRow[], next: string): void {
  if (rows.length === 0) return;
  const count = rows.length === 1 ? '1 row has' : `${rows.length} rows have`;
  throw new SamMilError('InvalidInput', `${count} ${what}`, {
    file: `${file}:${rows[0].line}`,
    expected: `numbers and events in each row (not known: ${MISSING_WORDS})`,
    found: listRows(rows, ({ text }) => text),
    next,
  });
}

/**
 * All slides of a patient have one follow-up or value.
 * @param what `times or events`, or `values`
 * @throws SamMilError InvalidInput naming the patients, and the lines of their rows
 */
export function refuseDifferent(
  file: string,
  what: string,
  rows: readonly { line: number; group?: string; shown: string }[],
): void {
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
