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
