import { nearest } from '../../../engine/language/expressions/did-you-mean.js';
import { SamMilError } from '../../../errors.js';
import type { CsvTable } from '../../../files/csv.js';

/**
 * Renames columns that differ from a known one in case or spaces only.
 * @returns columns that nobody reads
 * @throws SamMilError InvalidInput for a column that is probably a known one, misspelled
 */
export function knownColumns(file: string, table: CsvTable, known: readonly string[]): string[] {
  const unread: string[] = [];
  for (const column of table.columns) {
    if (known.includes(column)) continue;
    const plain = column.trim().toLowerCase().replaceAll(/[ -]/g, '_');
    if (known.includes(plain) && !table.columns.includes(plain)) {
      for (const { values } of table.rows) values[plain] = values[column];
      continue;
    }
    const meant = nearest(plain, known);
    if (meant === undefined) {
      unread.push(column);
      continue;
    }
    throw new SamMilError('InvalidInput', `nothing reads the column ${JSON.stringify(column)}`, {
      file,
      expected: known.join(', '),
      found: column,
      next: `rename it to ${meant}, or remove it`,
    });
  }
  return unread;
}
