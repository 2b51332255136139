import { SamMilError } from '../../domain/errors.js';
import { readCsv, type CsvTable } from '../../domain/files/csv.js';
import { suggest } from '../../domain/engine/language/expressions/did-you-mean.js';

/** Items that a pipeline leaves out, by key. */
export type Exclusions = ReadonlyMap<string, { reason: string; line: number }>;

/**
 * Reads a table of excluded items: the column `reason`, and `item`, `slide` or the column that the stage
 * takes its keys from.
 * @param keyField field of the items that is their key
 * @throws SamMilError InvalidInput for other columns, a row without item or reason, or an item that occurs
 *   twice
 */
export function readExclusions(file: string, keyField?: string): Exclusions {
  const table = readCsv(file, { header: true });
  const column = columnOf(table, file, [...(keyField === undefined ? [] : [keyField]), 'item', 'slide']);
  columnOf(table, file, ['reason']);
  const found = new Map<string, { reason: string; line: number }>();
  for (const { line, values } of table.rows) {
    const item = values[column].trim();
    const reason = values.reason.trim();
    const fault = item === '' ? 'no item' : reason === '' ? `no reason for "${item}"` : undefined;
    if (fault !== undefined) {
      throw new SamMilError('InvalidInput', `the row has ${fault}`, {
        file: `${file}:${line}`,
        expected: 'the key of an item, and why it is excluded: slide_03,out of focus',
      });
    }
    const before = found.get(item);
    if (before !== undefined) {
      throw new SamMilError('InvalidInput', `"${item}" is excluded twice`, {
        file: `${file}:${line}`,
        found: `"${before.reason}" on line ${before.line}, and "${reason}"`,
        next: 'keep one of the rows',
      });
    }
    found.set(item, { reason, line });
  }
  return found;
}

function columnOf({ columns }: CsvTable, file: string, names: readonly string[]): string {
  const column = names.find((name) => columns.includes(name));
  if (column !== undefined) return column;
  throw new SamMilError('InvalidInput', `the table of excluded items has no column \`${names[0]}\``, {
    file,
    expected: `the columns ${names.join(' or ')}, and reason`,
    found: columns.join(', '),
  });
}

/**
 * Checks that every exclusion names an item: otherwise a typing error would exclude nothing.
 * @throws SamMilError InvalidInput naming the rows, with the nearest keys
 */
export function refuseStrangers(exclusions: Exclusions, keys: readonly string[], file: string): void {
  const known = new Set(keys);
  const strangers = [...exclusions].filter(([item]) => !known.has(item));
  if (strangers.length === 0) return;
  const lines = strangers.slice(0, 10).map(([item, { line }]) => {
    return `line ${line}: "${item}"; ${suggest(item, keys, 'items')}`;
  });
  const what =
    strangers.length === 1
      ? 'an excluded item does not exist'
      : `${strangers.length} excluded items do not exist`;
  throw new SamMilError('InvalidInput', what, {
    file,
    expected: 'keys of items of the stage',
    found: `${lines.join('\n')}${strangers.length > 10 ? '\n...' : ''}`,
    next: 'correct or remove these rows',
  });
}
