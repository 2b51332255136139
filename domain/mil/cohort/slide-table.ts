import { SamMilError, together } from '../../errors.js';
import { readCsv } from '../../files/csv.js';
import { firstNames } from '../bags/first-names.js';
import { findCohortColumns, type ColumnOptions } from '../labels/label-columns.js';
import { classForm, isMissing } from '../labels/label-text.js';
import { EXTENSIONS } from '../labels/labeled-bags.js';
import { similarHint } from '../labels/near-names.js';

/** What a table states about a slide of an external cohort. */
export interface SlideFacts {
  line: number;
  /** As written. */
  name: string;
  /** Class index; null where the label is missing. */
  label: number | null;
  patient?: string;
  site?: string;
}

export interface SlideTable {
  file: string;
  rows: SlideFacts[];
  /** Whether the table has a column of labels, patients or sites. */
  has: { label: boolean; patient: boolean; site: boolean };
}

export interface SlideTableOptions extends ColumnOptions {
  siteColumn?: string;
}

/**
 * Reads a table of slides: their names and, as far as there are such columns, classes, patients and sites. A
 * class is found as written, else without regard to case, spaces and the form of numbers.
 *
 * @param classes of the model; undefined: not known yet, so labels are not read
 * @throws SamMilError InvalidInput for an unknown column, an unknown class, a slide that occurs twice, a row
 *   without a name
 */
export function readSlideTable(
  path: string,
  classes: readonly string[] | undefined,
  options: SlideTableOptions,
): SlideTable {
  const { columns: names, rows: lines } = readCsv(path, { header: false });
  const cells = lines.map(({ values }) => names.map((name) => values[name]));
  const columns = findCohortColumns(path, cells, options);
  const classOf = classes === undefined ? () => null : classFinder(classes);
  const unknown: string[] = [];
  const rows = lines.slice(columns.header ? 1 : 0).map(({ line }, i): SlideFacts => {
    const row = cells[i + (columns.header ? 1 : 0)];
    const text = columns.label === undefined ? '' : row[columns.label];
    const label = classOf(text);
    if (label === undefined) unknown.push(`line ${line} "${row[columns.key]}" (${text})`);
    return {
      ...{ line, name: row[columns.key], label: label ?? null },
      ...named('patient', columns.group, row),
      ...named('site', columns.site, row),
    };
  });
  const faults = [...unknownClasses(path, unknown, classes ?? []), ...repeatedNames(path, rows)];
  if (faults.length > 0) throw together(faults, 'faults in the table of slides', { file: path });
  const { label, group, site } = columns;
  const has = { label: label !== undefined, patient: group !== undefined, site: site !== undefined };
  return { file: path, rows, has };
}

function named<Name extends 'patient' | 'site'>(
  name: Name,
  column: number | undefined,
  row: readonly string[],
): Partial<Record<Name, string>> {
  if (column === undefined || isMissing(row[column])) return {};
  return { [name]: row[column] } as Partial<Record<Name, string>>;
}

/** Index of a class; null for a missing label, undefined for an unknown class. */
function classFinder(classes: readonly string[]): (text: string) => number | null | undefined {
  const forms = classes.map(classForm);
  return (text) => {
    const exact = classes.indexOf(text);
    if (exact >= 0) return exact;
    if (isMissing(text)) return null;
    const at = forms.indexOf(classForm(text));
    return at < 0 || forms.lastIndexOf(forms[at]) !== at ? undefined : at;
  };
}

function unknownClasses(file: string, rows: readonly string[], classes: readonly string[]): SamMilError[] {
  if (rows.length === 0) return [];
  return [
    new SamMilError('InvalidInput', 'the model does not have these classes', {
      file,
      expected: `one of ${classes.join(', ')}, or an empty cell`,
      found: firstNames(rows),
      next: 'write the classes as in the training, or set `label-column`',
    }),
  ];
}

function repeatedNames(file: string, rows: readonly SlideFacts[]): SamMilError[] {
  const faults: SamMilError[] = [];
  const nameless = rows.find(({ name }) => name === '');
  if (nameless !== undefined) {
    faults.push(new SamMilError('InvalidInput', 'a row has no name', { file: `${file}:${nameless.line}` }));
  }
  const seen = new Map<string, number>();
  const twice: string[] = [];
  for (const { name, line } of rows) {
    const before = seen.get(name);
    if (before !== undefined && name !== '') twice.push(`"${name}" (lines ${before} and ${line})`);
    seen.set(name, line);
  }
  if (twice.length > 0) {
    faults.push(
      new SamMilError('InvalidInput', 'slides occur more than once', {
        file,
        expected: 'one row per slide',
        found: firstNames(twice),
      }),
    );
  }
  return faults;
}

/** Rows by slide; a name is looked up as written, then without the extension of a file. */
export interface JoinedTable {
  /** Undefined for a slide without a row. */
  factsOf(slide: string): SlideFacts | undefined;
  /** Slides without a row. */
  missing: string[];
  /** Rows that name none of the slides. */
  strangers: SlideFacts[];
}

export function joinTable(slides: readonly string[], { rows }: Pick<SlideTable, 'rows'>): JoinedTable {
  const exact = new Map(rows.map((row) => [row.name.normalize(), row]));
  const bare = new Map(rows.map((row) => [row.name.normalize().replace(EXTENSIONS, ''), row]));
  const factsOf = (slide: string) => exact.get(slide.normalize()) ?? bare.get(slide.normalize());
  const used = new Set(slides.map(factsOf));
  return {
    factsOf,
    missing: slides.filter((slide) => factsOf(slide) === undefined),
    strangers: rows.filter((row) => !used.has(row)),
  };
}

/**
 * Refuses predictions and a table that do not name the same slides.
 * @param what the slides are called, such as `predictions`
 * @throws SamMilError InvalidInput naming them
 */
export function refuseUnmatched(
  { missing, strangers }: JoinedTable,
  { file }: SlideTable,
  what: string,
): void {
  const names = strangers.map(({ name }) => name);
  const parts = [
    ...(missing.length === 0 ? [] : [`no row for ${missing.length} of the ${what}: ${firstNames(missing)}`]),
    ...(names.length === 0
      ? []
      : [`${names.length} rows that name none of the ${what}: ${firstNames(names)}`]),
  ];
  if (parts.length === 0) return;
  throw new SamMilError('InvalidInput', `the table and the ${what} name different slides`, {
    file,
    expected: 'one row per slide',
    found: parts.join('; '),
    next: [
      similarHint(missing, names) ?? 'correct the table',
      'or set `unmatched: drop` to leave these out',
    ].join(', '),
  });
}
