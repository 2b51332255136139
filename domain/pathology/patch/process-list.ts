import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { type CsvRow, formatCsv, readCsv, requireColumn } from '../../files/csv.js';
import { refuseNearName, slideName, withoutExtension } from './process-list-names.js';
import { knownColumns } from './tissue/known-columns.js';
import {
  PARAMETER_COLUMNS,
  parseParameterRow,
  presetParameters,
  formatParameterRow,
  type TissueParameters,
} from './tissue/parameters.js';

/** Columns of CLAM, in its order. */
export const PROCESS_LIST_COLUMNS = [
  'slide_id',
  'process',
  'status',
  ...PARAMETER_COLUMNS.map(([column]) => column),
];

/**
 * One row. In CLAM's column `process`, 1 means that the slide is to be processed, 0 that it is done or
 * excluded.
 */
export interface ProcessRow {
  /** File name of the slide, with its extension. */
  slideId: string;
  process: 0 | 1;
  /**
   * tbp, processed, no_tissue, or `failed:` and the reason. Two more values of CLAM are read but never
   * written: `already_exist` (CLAM found existing patches; here an up-to-date slide stays `processed`, so
   * that a resumed run writes the same list as an uninterrupted one) and `failed_seg` (the segmentation level
   * has more than 1e8 pixels; here such a level is downsampled and segmented).
   */
  status: string;
  parameters: Partial<TissueParameters>;
}

/** Facts about one slide of a stage, from which its row is derived. */
export interface ProcessedSlide {
  /** Path or name of the slide file. */
  slide: string;
  status: 'done' | 'skipped' | 'failed';
  reason?: string;
  /** Cells of the row as returned by the slide's step; absent if the step did not finish. */
  row?: Record<string, string>;
  /** Name or file of the preset, for slides whose step did not finish. */
  preset?: string;
}

const FINISHED = ['processed', 'already_exist', 'no_tissue'];

/**
 * Finds the row of a slide in a process list by `slide_id`, its file name or path with or without the
 * extension. Undefined if the list does not contain it.
 * @throws SamMilError InvalidInput for a list without `slide_id`, with two different rows for the slide, with
 * a name that differs in case or leading zeros, with a misspelled column, or with an invalid cell
 */
export function findProcessRow(list: string, slide: string): ProcessRow | undefined {
  const name = slideName(slide);
  const stem = withoutExtension(name);
  const table = readCsv(list, { header: true });
  knownColumns(list, table, PROCESS_LIST_COLUMNS);
  requireColumn(list, table, 'slide_id');
  const { rows } = table;
  // The best match first: a list may contain both a.svs and a.tiff.
  const fits = [
    (id: string) => id === name,
    (id: string) => id === stem,
    (id: string) => withoutExtension(id) === stem,
  ];
  const found = fits
    .map((fit) => rows.filter(({ values }) => fit(slideName(values.slide_id))))
    .find((fitting) => fitting.length > 0);
  if (found === undefined) {
    refuseNearName(list, table, slide);
    return undefined;
  }
  const [row, ...others] = found;
  const other = others.find(({ values }) => !isDeepStrictEqual(wishes(values), wishes(row.values)));
  if (other) throw ambiguous(list, name, [row, other]);
  const place = `${list}:${row.line}`;
  const { process, status = '' } = row.values;
  return {
    slideId: row.values.slide_id,
    process: parseProcess(process, place),
    status,
    parameters: parseParameterRow(row.values, place),
  };
}

/** pandas writes 0.0 and 1.0 if a cell of the column was empty. */
function parseProcess(cell = '', place: string): 0 | 1 {
  if (cell === '' || Number(cell) === 1) return 1;
  if (Number(cell) === 0) return 0;
  throw new SamMilError('InvalidInput', 'the cell has an invalid value', {
    file: `${place} (process)`,
    expected: '1 (process) or 0 (excluded or done)',
    found: JSON.stringify(cell),
  });
}

/** Columns of a list that nobody reads, for a message. */
export function unreadColumns(list: string): string[] {
  return knownColumns(list, readCsv(list, { header: true }), PROCESS_LIST_COLUMNS);
}

/** Everything in a row except the slide name. */
function wishes({ slide_id: _, ...rest }: CsvRow['values']): Record<string, string> {
  return rest;
}

/**
 * It is unclear which of two rows applies: they may set different parameters, or one may exclude the slide.
 */
function ambiguous(list: string, slide: string, rows: readonly CsvRow[]): SamMilError {
  const [first, second] = rows.map(({ values, line }) => `${values.slide_id} in line ${line}`);
  return new SamMilError('InvalidInput', `the process list has two different rows for slide "${slide}"`, {
    file: list,
    expected: 'one row per slide',
    found: `${first}, ${second}`,
    next: 'remove one of the rows, or write the slide names with their extensions',
  });
}

/**
 * Returns whether the list excludes the slide: `process` is 0 and no earlier run finished it. (A list that a
 * run wrote has 0 for each finished slide; these keep their parameters and are up to date.)
 */
export function isLeftOut({ process, status }: ProcessRow): boolean {
  return process === 0 && !FINISHED.includes(status);
}

/** Formats the cells of a slide's row. */
export function processRowCells(
  slide: string,
  status: string,
  parameters: TissueParameters,
): Record<string, string> {
  const process = FINISHED.includes(status) || status === 'tbp' ? '0' : '1';
  return { slide_id: basename(slide), process, status, ...formatParameterRow(parameters) };
}

/**
 * Writes `process_list_autogen.csv` with one row per slide in the given order. The same slides give the same
 * bytes.
 */
export async function writeProcessList(path: string, slides: AsyncIterable<ProcessedSlide>): Promise<void> {
  const rows: Record<string, string>[] = [];
  for await (const slide of slides) rows.push(slide.row ?? unfinishedRow(slide));
  writeAtomic(path, formatCsv(PROCESS_LIST_COLUMNS, rows));
}

/**
 * Unknown parameters stay empty, because filled cells would override the pipeline when the list is used as
 * input.
 */
function unfinishedRow({ slide, status, reason, preset }: ProcessedSlide): Record<string, string> {
  const shown = status === 'failed' ? `failed:${(reason ?? 'unknown').replace(/\s+/g, ' ')}` : 'tbp';
  const parameters = knownParameters(preset);
  const cells = parameters && processRowCells(slide, shown, parameters);
  return { ...cells, slide_id: basename(slide), status: shown, process: '1' };
}

/** An invalid preset file makes slides fail, but must not prevent writing the list. */
function knownParameters(preset: string | undefined): TissueParameters | undefined {
  try {
    return preset === undefined ? undefined : presetParameters(preset);
  } catch {
    return undefined;
  }
}
