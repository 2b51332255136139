import { related } from '../../engine/language/expressions/did-you-mean.js';
import { SamMilError } from '../../errors.js';
import type { Endpoint } from '../targets/target.js';
import type { EventTexts } from './event-texts.js';
import { findFollowUp, readColumnName } from './follow-up-columns.js';
import { isMissing, columnForm } from './label-text.js';

export interface ColumnOptions {
  /** What the labels state. Default: classification. */
  endpoint?: Endpoint;
  keyColumn?: string;
  /** Column of the class, or of the value of a regression. */
  labelColumn?: string;
  /** Column of times, only for survival. Default: one with a usual name. */
  timeColumn?: string;
  /** Column of events, only for survival. Default: one with a usual name. */
  eventColumn?: string;
  /**
   * Column whose equal values stay in one set; `none` disables grouping. Default: a patient column, if the
   * file has one.
   */
  groupColumn?: string;
}

export interface Columns {
  header: boolean;
  key: number;
  /** The column of the class, the value or the time. */
  outcome: number;
  /** Only for survival. */
  event?: number;
  group?: number;
  /** The patient column that `group-column: none` ignores. */
  ignored?: number;
}

const KEY_FORMS = [
  ...['slideid', 'slide', 'slidename', 'wsi', 'wsiid', 'name', 'imageid', 'image', 'imagename', 'filename'],
  ...['file', 'bagid', 'bag', 'caseid', 'case', 'patient', 'patientid'],
];
const LABEL_FORMS = ['label', 'baglabel', 'slidelabel', 'class', 'target', 'oncotreecode', 'diagnosis'];

/** Names of columns of patients, in the form of {@link columnForm}; the first that exists is used. */
const PATIENT_FORMS: readonly RegExp[] = [
  /^(patient|subject|participant|donor|individual|person)(id|identifier|no|nr|num|number|code|name|key|uid|barcode)?$/,
  /^id(patient|subject|participant|donor)$|^(pt|pat|patienten)(id|no|nr|num|number|nummer)$|^hospital(id|no|number)$/,
  /^(pid|mrn|medicalrecordnumber|bcrpatientbarcode|(cases?)?submitterid|casesubmitterid)$/,
  /^(cases?)?caseid$|^case(no|nr|number|name|barcode)?$/,
];

/**
 * Finds the columns of a labels file. The first row is a header if it names a column of slides, labels or
 * patients, or if the options request a column by name. A file without a header has the two columns name and
 * label. Survival needs a header.
 *
 * @param rows cells of all rows, the first of which may be a header
 * @throws SamMilError InvalidInput for a column that does not exist, and if it is unclear which one is meant
 */
export function findColumns(
  path: string,
  rows: readonly string[][],
  options: ColumnOptions & EventTexts,
): Columns {
  const [first] = rows;
  const forms = first.map(columnForm);
  const { endpoint, keyColumn, labelColumn, groupColumn, timeColumn, eventColumn } = options;
  const grouped = groupColumn !== undefined && groupColumn !== 'none';
  const timed = (timeColumn ?? eventColumn) !== undefined;
  const requested = keyColumn !== undefined || labelColumn !== undefined || grouped || timed;
  if (endpoint === 'survival') refuseHeaderless(path, first, requested);
  else if (!requested && !forms.some(isKnown)) {
    const { header, key, label } = withoutHeader(path, first);
    return { header, key, outcome: label };
  }
  const key = findColumn(path, first, { what: 'key', known: KEY_FORMS, name: keyColumn });
  const { outcome, ...event } = findOutcome(path, first, options);
  if (groupColumn === 'none') {
    const [ignored] = patientColumns(rows, { key, label: outcome });
    return { header: true, key, outcome, ...event, ...(ignored !== undefined && { ignored }) };
  }
  const group = findGroup(path, rows, { key, label: outcome }, groupColumn);
  return { header: true, key, outcome, ...event, ...(group !== undefined && { group }) };
}

/** Three columns without names could be read in any order. */
function refuseHeaderless(path: string, first: readonly string[], requested: boolean): void {
  if (
    requested ||
    first.some((name, at) => isKnown(columnForm(name)) || readColumnName(name, at) !== undefined)
  )
    return;
  throw new SamMilError('InvalidInput', 'labels of survival need a header', {
    file: path,
    expected: 'a first row such as slide_id,patient,os_months,os_event',
    found: first.join(','),
    next: 'add a header, or set `key-column`, `time-column` and `event-column` to the names of the columns',
  });
}

function findOutcome(
  path: string,
  first: readonly string[],
  { endpoint, labelColumn, timeColumn, eventColumn, eventValues, censoredValues }: ColumnOptions & EventTexts,
): Pick<Columns, 'outcome' | 'event'> {
  if (endpoint === 'regression') return { outcome: findValue(path, first, labelColumn) };
  if (endpoint !== 'survival') {
    return { outcome: findColumn(path, first, { what: 'label', known: LABEL_FORMS, name: labelColumn }) };
  }
  const mapped = (eventValues ?? censoredValues) !== undefined;
  const { time, event } = findFollowUp(path, first, { timeColumn, eventColumn, mapped }, (what, name) =>
    findColumn(path, first, { what, known: [], name }),
  );
  return { outcome: time, event };
}

function isKnown(form: string): boolean {
  return KEY_FORMS.includes(form) || LABEL_FORMS.includes(form) || isPatient(form);
}

function isPatient(form: string): boolean {
  return PATIENT_FORMS.some((known) => known.test(form));
}

function withoutHeader(
  path: string,
  first: readonly string[],
): { header: false; key: number; label: number } {
  if (first.length === 2) return { header: false, key: 0, label: 1 };
  throw new SamMilError('InvalidInput', 'labels need a name and a label', {
    file: path,
    expected: 'two columns (name,label), or a header with a label column',
    found: first.join(','),
    next: 'add a header such as slide_id,label,patient, or set `label-column`',
  });
}

/** A column of labels beside one of values may be the class. */
function findValue(path: string, first: readonly string[], name: string | undefined): number {
  const known = ['value', ...LABEL_FORMS];
  const candidates = first.filter((column) => known.includes(columnForm(column)));
  if (name !== undefined || candidates.length < 2) {
    return findColumn(path, first, { what: 'label', known, name });
  }
  throw new SamMilError('InvalidInput', `"${candidates[0]}" and "${candidates[1]}" may both be the value`, {
    file: path,
    expected: 'one column of values',
    found: candidates.join(', '),
    next: `set ${candidates.map((column) => `\`label-column: ${column}\``).join(' or ')}`,
  });
}

/** Columns of a table of slides, in which only the name of the slide is required. */
export interface CohortColumns {
  header: boolean;
  key: number;
  label?: number;
  group?: number;
  site?: number;
}

/**
 * As {@link findColumns} for a table whose slides need no label: label, patient and site are found if there
 * are such columns, or required if the options name them.
 *
 * @throws SamMilError InvalidInput as {@link findColumns}
 */
export function findCohortColumns(
  path: string,
  rows: readonly string[][],
  options: ColumnOptions & { siteColumn?: string },
): CohortColumns {
  const { keyColumn, labelColumn, groupColumn, siteColumn } = options;
  const [first] = rows;
  const forms = first.map(columnForm);
  const requested =
    keyColumn ?? labelColumn ?? siteColumn ?? (groupColumn === 'none' ? undefined : groupColumn);
  if (requested === undefined && !forms.some(isKnown)) return withoutHeader(path, first);
  const key = findColumn(path, first, { what: 'key', known: KEY_FORMS, name: keyColumn });
  const labeled = labelColumn !== undefined || forms.some((form) => LABEL_FORMS.includes(form));
  const label = labeled
    ? findColumn(path, first, { what: 'label', known: LABEL_FORMS, name: labelColumn })
    : undefined;
  const group = findGroup(path, rows, { key, label: label ?? key }, groupColumn);
  return {
    ...{ header: true, key },
    ...(label !== undefined && { label }),
    ...(group !== undefined && { group }),
    ...(siteColumn !== undefined && {
      site: findColumn(path, first, { what: 'site', known: [], name: siteColumn }),
    }),
  };
}

function findGroup(
  path: string,
  rows: readonly string[][],
  taken: { key: number; label: number },
  name: string | undefined,
): number | undefined {
  if (name === 'none') return undefined;
  if (name === undefined) return guessGroup(path, rows, taken);
  const others = patientColumns(rows, taken).map((at) => rows[0][at]);
  return findColumn(path, rows[0], { what: 'group', known: [], name, others });
}

interface ColumnSearch {
  what: 'key' | 'label' | 'group' | 'site' | 'time' | 'event';
  known: readonly string[];
  /** The column that was requested. */
  name?: string;
  /** Columns that may be meant instead. */
  others?: readonly string[];
}

/** The name as written wins over one that differs in case and punctuation. */
function findColumn(
  path: string,
  first: readonly string[],
  { what, known, name, others = [] }: ColumnSearch,
): number {
  const forms = first.map(columnForm);
  const exact = name === undefined ? -1 : first.indexOf(name);
  if (exact >= 0) return exact;
  const wanted = name === undefined ? known : [columnForm(name)];
  const at = wanted.map((form) => forms.indexOf(form)).find((index) => index >= 0);
  if (at !== undefined) return at;
  const found = `columns ${first.join(', ')}`;
  if (name !== undefined) {
    const meant = related(name, first) ?? others[0];
    throw new SamMilError('InvalidInput', `no column "${name}", which \`${what}-column\` names`, {
      file: path,
      found,
      next: `set \`${what}-column\` to ${meant === undefined ? 'one of these columns' : `"${meant}"`}`,
    });
  }
  throw new SamMilError('InvalidInput', `no ${what} column`, {
    file: path,
    expected: `one of ${expectedNames(what, known)}`,
    found,
    next: `rename the column, or set \`${what}-column\`${what === 'label' ? survivalHint(first) : ''}`,
  });
}

function expectedNames(what: ColumnSearch['what'], known: readonly string[]): string {
  if (what !== 'label') return 'slide_id, slide, name, filename';
  return known.includes('value') ? 'value, label, target' : 'label, class, target, diagnosis';
}

/** A table of follow-up may be meant for survival. */
function survivalHint(first: readonly string[]): string {
  const timed = first.some((name, at) => readColumnName(name, at)?.kind === 'time');
  return timed ? '; for times and events set `endpoint: survival`' : '';
}

/** Columns of patients that have values, the preferred one first. */
function patientColumns(
  [first, ...rows]: readonly string[][],
  taken: { key: number; label: number },
): number[] {
  const forms = first.map(columnForm);
  return PATIENT_FORMS.flatMap((known) => forms.flatMap((form, at) => (known.test(form) ? [at] : [])))
    .filter((at) => at !== taken.key && at !== taken.label)
    .filter((at) => rows.some((cells) => !isMissing(cells[at])));
}

/**
 * Returns the patient column, if the file has one with values. Two columns are ambiguous if the second puts
 * slides together that the first separates.
 */
function guessGroup(
  path: string,
  table: readonly string[][],
  taken: { key: number; label: number },
): number | undefined {
  const [first, ...rows] = table;
  const candidates = patientColumns(table, taken);
  const [chosen] = candidates;
  const other = candidates.slice(1).find((at) => separates(rows, chosen, at));
  if (other === undefined) return chosen;
  throw new SamMilError(
    'InvalidInput',
    `"${first[chosen]}" and "${first[other]}" may both identify the patient`,
    {
      file: path,
      expected: 'one column of patients',
      found: `slides of one "${first[other]}" with different values of "${first[chosen]}"`,
      next: `set \`group-column: ${first[other]}\` or \`group-column: ${first[chosen]}\``,
    },
  );
}

/** Whether rows with one value in column `b` have several values in column `a`. */
function separates(rows: readonly string[][], a: number, b: number): boolean {
  const seen = new Map<string, string>();
  return rows.some((cells) => {
    if (isMissing(cells[b])) return false;
    const before = seen.get(cells[b]);
    seen.set(cells[b], cells[a]);
    return before !== undefined && before !== cells[a];
  });
}
