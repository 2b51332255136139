import { basename } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { SamMilError } from '../../errors.js';
import { writeAtomic } from '../../files/atomic.js';
import { type CsvRow, formatCsv, readCsv } from '../../files/csv.js';
import {
  PARAMETER_COLUMNS,
  parametersOfRow,
  presetParameters,
  rowOfParameters,
  type TissueParameters,
} from './tissue/parameters.js';

/** CLAM's columns, in its order. */
export const PROCESS_LIST_COLUMNS = [
  'slide_id',
  'process',
  'status',
  ...PARAMETER_COLUMNS.map(([column]) => column),
];

/** `process`, CLAM's column: 1 asks for the slide to be (re)made, 0 says it is done or not wanted. */
export interface ProcessRow {
  /** File name of the slide, with its extension. */
  slideId: string;
  process: 0 | 1;
  /**
   * tbp, processed, no_tissue, or `failed:` and the reason. Two more of CLAM's are read but never written: `already_exist` (it found the slide's
   * patches; here a receipt that stands leaves the slide `processed`, so that a resumed run writes the same list as an undisturbed one) and
   * `failed_seg` (its segmentation level has more than 1e8 pixels; here such a level is made smaller and segmented).
   */
  status: string;
  parameters: Partial<TissueParameters>;
}

/** What is known of one slide of a stage, from which its row is derived. */
export interface ProcessedSlide {
  /** Path or name of the slide file. */
  slide: string;
  status: 'done' | 'skipped' | 'failed';
  reason?: string;
  /** The row's cells as the slide's step returned them; absent where the step did not end. */
  row?: Record<string, string>;
  /** The preset's name or file, for slides whose step did not end. */
  preset?: string;
}

const FINISHED = ['processed', 'already_exist', 'no_tissue'];

/**
 * The row of a slide in a process list; `slide_id` is its file name with or without the extension. Undefined where the list lacks it. Throws
 * `InvalidInput` for a list without `slide_id`, with two rows for the slide that differ, or with a cell that can't be read.
 */
export function findProcessRow(list: string, slide: string): ProcessRow | undefined {
  const name = basename(slide);
  const stem = withoutExtension(name);
  const { rows } = readCsv(list, { header: true, required: ['slide_id'] });
  // The best fit first: a.svs may stand beside a.tiff.
  const fits = [
    (id: string) => id === name,
    (id: string) => id === stem,
    (id: string) => withoutExtension(id) === stem,
  ];
  const found = fits
    .map((fit) => rows.filter(({ values }) => fit(values.slide_id)))
    .find((fitting) => fitting.length > 0);
  if (found === undefined) return undefined;
  const [row, ...others] = found;
  const other = others.find(({ values }) => !isDeepStrictEqual(wishes(values), wishes(row.values)));
  if (other) throw ambiguous(list, name, [row, other]);
  const place = `${list}:${row.line}`;
  const { process, status = '' } = row.values;
  return {
    slideId: row.values.slide_id,
    process: parseProcess(process, place),
    status,
    parameters: parametersOfRow(row.values, place),
  };
}

/** pandas writes 0.0 and 1.0 once a cell of the column was empty. */
function parseProcess(cell = '', place: string): 0 | 1 {
  if (cell === '' || Number(cell) === 1) return 1;
  if (Number(cell) === 0) return 0;
  throw new SamMilError('InvalidInput', "the cell can't be read", {
    file: `${place} (process)`,
    expected: '1 (to be made) or 0 (left out, or done)',
    found: JSON.stringify(cell),
  });
}

/** All that a row says beside the slide's name. */
function wishes({ slide_id: _, ...rest }: CsvRow['values']): Record<string, string> {
  return rest;
}

/** Which of two rows is meant can't be told: they may ask for other parameters, or one to make and one to leave out. */
function ambiguous(list: string, slide: string, rows: readonly CsvRow[]): SamMilError {
  const [first, second] = rows.map(({ values, line }) => `${values.slide_id} in line ${line}`);
  return new SamMilError(
    'InvalidInput',
    `two rows of the process list are about slide "${slide}", and differ`,
    {
      file: list,
      expected: 'one row a slide',
      found: `${first}, ${second}`,
      next: 'remove one of them, or name the slides with their extensions',
    },
  );
}

/**
 * Whether the list asks to leave the slide out: `process` is 0 and no earlier run has finished it. (A list that a run wrote has 0 for each
 * slide it finished: those keep their parameters, and their receipts make them free.)
 */
export function isLeftOut({ process, status }: ProcessRow): boolean {
  return process === 0 && !FINISHED.includes(status);
}

/** Cells of a slide's row. */
export function processRowCells(
  slide: string,
  status: string,
  parameters: TissueParameters,
): Record<string, string> {
  const process = FINISHED.includes(status) || status === 'tbp' ? '0' : '1';
  return { slide_id: basename(slide), process, status, ...rowOfParameters(parameters) };
}

/** Writes `process_list_autogen.csv`, one row a slide in the order given. The same slides give the same bytes. */
export async function writeProcessList(path: string, slides: AsyncIterable<ProcessedSlide>): Promise<void> {
  const rows: Record<string, string>[] = [];
  for await (const slide of slides) rows.push(slide.row ?? unfinishedRow(slide));
  writeAtomic(path, formatCsv(PROCESS_LIST_COLUMNS, rows));
}

/** Cells stay empty where the parameters are not known: filled in, they would stand over the pipeline's when the list is given back. */
function unfinishedRow({ slide, status, reason, preset }: ProcessedSlide): Record<string, string> {
  const told = status === 'failed' ? `failed:${(reason ?? 'unknown').replace(/\s+/g, ' ')}` : 'tbp';
  const parameters = knownParameters(preset);
  const cells = parameters && processRowCells(slide, told, parameters);
  return { ...cells, slide_id: basename(slide), status: told, process: '1' };
}

/** A bad preset file is one reason for a slide to fail, and must not keep the list from being written. */
function knownParameters(preset: string | undefined): TissueParameters | undefined {
  try {
    return preset === undefined ? undefined : presetParameters(preset);
  } catch {
    return undefined;
  }
}

/** Names hold dots of their own, as in P01.2 or TCGA's before a UUID: only what may be an extension goes. */
function withoutExtension(name: string): string {
  return name.replace(/\.[a-z][a-z0-9]{1,7}$/i, '');
}
