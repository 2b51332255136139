import { SamMilError, together } from '../../errors.js';
import { firstNames } from '../bags/first-names.js';
import type { ItemRecord } from '../../job.js';
import { similarHint, spreadsheetHint } from './near-names.js';
import type { LabelRow, LabelTable } from './label-table.js';

/** A finished bag with its row in the labels file. */
export interface LabeledBag {
  key: string;
  /** Index into {@link LabelTable.rows}. */
  row: number;
  /** Index of the class or stratum. */
  label: number;
  group?: string;
}

/** The patient of a bag, or the bag itself. The prefix keeps a patient and a slide of the same name apart. */
export function unitOf({ key, group }: Pick<LabeledBag, 'key' | 'group'>): string {
  return group === undefined ? `slide ${key}` : `group ${group}`;
}

export interface MatchOptions {
  /**
   * `exact`: a row names a slide. `contains`: it names a patient, whose name is part of the slides' names
   * (the published TCGA rule), between characters that are neither letters nor digits.
   */
  match: 'exact' | 'contains';
  /** How to handle bags without a label and labels without a bag. */
  unmatched: 'error' | 'drop';
}

export interface MatchResult {
  /** Sorted by key. */
  bags: LabeledBag[];
  /** Omitted names, with the reason shown to the user. */
  dropped: { name: string; reason: string }[];
  /** Of these, slides that were skipped or failed earlier, with their row if it has a label. */
  skipped: { name: string; reason: string; row: number }[];
}

/**
 * Joins bags and labels. Slides that were skipped or failed earlier are omitted and reported.
 *
 * @throws SamMilError InvalidInput naming the bags without a label and the labels without a bag (unless
 *   `unmatched: drop`), and any bag that several rows match
 */
export function matchLabels(
  items: readonly ItemRecord[],
  table: LabelTable,
  options: MatchOptions,
): MatchResult {
  // Rows without a label count too: their slides must not get the label of another row.
  const entries = [...table.rows, ...table.unlabeled];
  const findRows = rowFinder(entries, options.match);
  const bags: LabeledBag[] = [];
  const dropped: MatchResult['dropped'] = [];
  const skipped: MatchResult['skipped'] = [];
  const unlabeled: string[] = [];
  const unclear: SamMilError[] = [];
  const used = new Set<number>();
  for (const item of [...items].sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const rows = findRows(item.key);
    if (rows.length > 1) unclear.push(ambiguous(item.key, rows.map((row) => entries[row]), table.file)); // prettier-ignore
    rows.forEach((row) => used.add(row));
    const { status, reason = status } = item;
    if (status !== 'done') {
      dropped.push({ name: item.key, reason });
      if (rows.length > 0 && rows[0] < table.rows.length)
        skipped.push({ name: item.key, reason, row: rows[0] });
    } else if (rows.length === 0) unlabeled.push(item.key);
    else if (rows[0] >= table.rows.length) dropped.push(withoutLabel(item.key, entries[rows[0]].line, table));
    else bags.push(labeled(item.key, rows[0], table, options.match));
  }
  if (unclear.length > 0) throw together(unclear, 'slides match several rows', { file: table.file });
  const missing = entries.filter((_, row) => !used.has(row)).map(({ name }) => name);
  if (options.unmatched === 'error') refuseUnmatched(unlabeled, missing, table.file);
  unlabeled.forEach((name) => dropped.push({ name, reason: 'no label' }));
  missing.forEach((name) => dropped.push({ name, reason: 'no slide' }));
  return { bags, dropped, skipped };
}

function withoutLabel(name: string, line: number, { unlabeled }: LabelTable): MatchResult['dropped'][0] {
  const { text = '', lacks = 'label' } = unlabeled.find((row) => row.line === line) ?? {};
  return { name, reason: `no ${lacks} in line ${line}${text === '' ? '' : ` (${text})`}` };
}

function labeled(key: string, row: number, table: LabelTable, match: MatchOptions['match']): LabeledBag {
  const { label, group, name } = table.rows[row];
  const whole = group ?? (match === 'contains' ? name : undefined);
  return { key, row, label, ...(whole === undefined ? {} : { group: whole }) };
}

/**
 * File extensions that occur in labels files. A name is looked up as written first, then without its
 * extension.
 */
export const EXTENSIONS =
  /\.(svs|svslide|tiff?|ndpi|mrxs|scn|bif|vms|vmu|czi|dcm|jpe?g|png|h5|hdf5|pt|npy|npz|safetensors)$/i;

type NamedRow = Pick<LabelRow, 'name' | 'line'>;

/** Names are compared in one Unicode form: macOS writes the names of files in another one than editors do. */
function rowFinder(rows: readonly NamedRow[], match: MatchOptions['match']): (key: string) => number[] {
  const names = rows.map(({ name }) => name.normalize());
  if (match === 'contains') {
    return (key) => {
      const whole = key.normalize();
      return longest(
        names.flatMap((name, row) => (containsName(whole, name) ? [row] : [])),
        names,
      );
    };
  }
  const exact = new Map(names.map((name, row) => [name, row]));
  const bare = new Map<string, number[]>();
  names.forEach((name, row) => {
    const base = name.replace(EXTENSIONS, '');
    bare.set(base, [...(bare.get(base) ?? []), row]);
  });
  return (key) => {
    const row = exact.get(key.normalize());
    return row === undefined ? (bare.get(key.normalize()) ?? []) : [row];
  };
}

/** Whether `key` contains `name` with no letter or digit directly before or after it: `P10` has no `P1`. */
function containsName(key: string, name: string): boolean {
  for (let at = key.indexOf(name); at >= 0; at = key.indexOf(name, at + 1)) {
    if (!/[\p{L}\p{N}]$/u.test(key.slice(0, at)) && !/^[\p{L}\p{N}]/u.test(key.slice(at + name.length)))
      return true;
  }
  return false;
}

/** A name that contains all others is the one that is meant: `P1-2`, not `P1`, for the slide `P1-2-a`. */
function longest(rows: readonly number[], names: readonly string[]): number[] {
  const whole = rows.filter((row) => rows.every((other) => names[row].includes(names[other])));
  return whole.length === 1 ? whole : [...rows];
}

function ambiguous(key: string, rows: readonly NamedRow[], file: string): SamMilError {
  return new SamMilError('InvalidInput', `slide "${key}" matches ${rows.length} rows`, {
    file,
    expected: 'one row per slide',
    found: rows.map(({ line, name }) => `line ${line} "${name}"`).join(', '),
  });
}

function refuseUnmatched(unlabeled: readonly string[], missing: readonly string[], file: string): void {
  const parts: string[] = [];
  if (unlabeled.length > 0) parts.push(`no label for ${listed(unlabeled, 'slide')}`);
  if (missing.length > 0) parts.push(`no slide for ${listed(missing, 'label')}`);
  if (parts.length === 0) return;
  throw new SamMilError('InvalidInput', 'labels and slides do not match', {
    file,
    expected: 'one row per slide and one slide per row',
    found: parts.join('; '),
    next: [
      similarHint(unlabeled, missing) ?? spreadsheetHint(missing) ?? 'correct the labels file',
      'or set `unmatched: drop` to omit these',
    ].join(', '),
  });
}

function listed(names: readonly string[], what: string): string {
  return `${names.length} ${what}${names.length === 1 ? '' : 's'}: ${firstNames(names)}`;
}
