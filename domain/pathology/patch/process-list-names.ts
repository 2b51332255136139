import { nearest } from '../../engine/language/expressions/did-you-mean.js';
import { SamMilError } from '../../errors.js';
import type { CsvTable } from '../../files/csv.js';

/**
 * Reads the name of a slide in a list: the last part of a path, in the form in which accents are one
 * character (macOS writes two).
 */
export function slideName(id: string): string {
  return id
    .trim()
    .replace(/^.*[\\/](?=[^\\/])/, '')
    .normalize('NFC');
}

/**
 * Removes an extension. Names may contain dots, as in P01.2 or TCGA names with a UUID, so only a possible
 * extension is one.
 */
export function withoutExtension(name: string): string {
  return name.replace(/\.[a-z][a-z0-9]{1,7}$/i, '');
}

/**
 * Refuses a list that does not name a slide but one that differs from it only in what programs change:
 * spreadsheets drop leading zeros, and some file systems do not tell upper from lower case.
 * @throws SamMilError InvalidInput naming the row
 */
export function refuseNearName(list: string, { rows }: CsvTable, slide: string): void {
  const plain = (id: string) =>
    withoutExtension(slideName(id))
      .toLowerCase()
      .replace(/^0+(?=.)/, '');
  const near = rows.find(({ values }) => plain(values.slide_id) === plain(slide));
  if (near === undefined) return;
  throw new SamMilError('InvalidInput', 'the process list names no slide of this name, but a similar one', {
    file: `${list}:${near.line} (slide_id)`,
    expected: slideName(slide),
    found: near.values.slide_id,
    next: 'write the file name of the slide into the list, as text (spreadsheets drop leading zeros)',
  });
}

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
