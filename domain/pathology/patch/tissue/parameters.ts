import { SamMilError } from '../../../errors.js';
import { knownColumns } from './known-columns.js';
import { readCsv } from '../../../files/csv.js';

export const CONTOUR_FUNCTIONS = ['four_pt', 'four_pt_hard', 'center', 'basic'] as const;
export type ContourFunction = (typeof CONTOUR_FUNCTIONS)[number];

/** Parameters of CLAM's presets and process lists, with the same meaning as in CLAM. */
export interface TissueParameters {
  /** Level to segment; -1: the best level for a downsample of 64. */
  segLevel: number;
  /** Saturation above which a pixel is tissue. */
  sthresh: number;
  /** Side of the median filter; odd. */
  mthresh: number;
  /** Side of the morphological close; 0 for none. */
  close: number;
  /** Use Otsu's threshold instead of `sthresh`. */
  useOtsu: boolean;
  /** Minimum area of tissue, and of a hole, in patches of 512 x 512 level-0 pixels. */
  aT: number;
  aH: number;
  maxNHoles: number;
  /** Level of the pictures; -1: the deepest level that still shows details. */
  visLevel: number;
  /** Width of the outlines in the picture, in level-0 pixels. */
  lineThickness: number;
  /** Allow patches to extend beyond the border of the slide. */
  usePadding: boolean;
  contourFn: ContourFunction;
  /** Ids of tissue contours, as written on the mask picture, to keep (empty: all) and to exclude. */
  keepIds: number[];
  excludeIds: number[];
}

const DEFAULT: TissueParameters = {
  segLevel: -1,
  sthresh: 8,
  mthresh: 7,
  close: 4,
  useOtsu: false,
  aT: 100,
  aH: 16,
  maxNHoles: 8,
  visLevel: -1,
  lineThickness: 250,
  usePadding: true,
  contourFn: 'four_pt',
  keepIds: [],
  excludeIds: [],
};

/** Presets of CLAM by name. */
export const PRESETS: Readonly<Record<string, TissueParameters>> = {
  default: DEFAULT,
  bwh_biopsy: {
    ...DEFAULT,
    sthresh: 15,
    mthresh: 11,
    close: 2,
    aT: 1,
    aH: 1,
    maxNHoles: 2,
    lineThickness: 50,
  },
  bwh_resection: { ...DEFAULT, sthresh: 15, mthresh: 11, lineThickness: 100 },
  tcga: { ...DEFAULT, aT: 16, aH: 4, lineThickness: 100 },
};

/** Column names of CLAM, in its order, and the parameter that each sets. */
export const PARAMETER_COLUMNS: readonly (readonly [column: string, key: keyof TissueParameters])[] = [
  ['seg_level', 'segLevel'],
  ['sthresh', 'sthresh'],
  ['mthresh', 'mthresh'],
  ['close', 'close'],
  ['use_otsu', 'useOtsu'],
  ['keep_ids', 'keepIds'],
  ['exclude_ids', 'excludeIds'],
  ['a_t', 'aT'],
  ['a_h', 'aH'],
  ['max_n_holes', 'maxNHoles'],
  ['vis_level', 'visLevel'],
  ['line_thickness', 'lineThickness'],
  ['use_padding', 'usePadding'],
  ['contour_fn', 'contourFn'],
];

/**
 * Returns a preset by name, or from a CSV file with one row in CLAM's columns.
 * @throws SamMilError InvalidInput for an unknown name or an invalid file
 */
export function presetParameters(preset: string): TissueParameters {
  const known = Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : undefined;
  if (known !== undefined) return known;
  if (!preset.toLowerCase().endsWith('.csv')) {
    throw new SamMilError('InvalidInput', `unknown preset "${preset}"`, {
      expected: `${Object.keys(PRESETS).join(', ')}, or the path of a CSV file`,
    });
  }
  const table = readCsv(preset, { header: true });
  const { rows } = table;
  knownColumns(
    preset,
    table,
    PARAMETER_COLUMNS.map(([column]) => column),
  );
  if (rows.length !== 1) {
    throw new SamMilError('InvalidInput', 'the preset file does not have exactly one row of parameters', {
      file: preset,
      expected: '1 row below the header',
      found: `${rows.length}`,
    });
  }
  return checked({ ...DEFAULT, ...parseParameterRow(rows[0].values, `${preset}:${rows[0].line}`) }, preset);
}

/**
 * Reads the parameters that a CSV row sets; empty cells set none.
 * @throws SamMilError InvalidInput naming file, line and column
 */
export function parseParameterRow(
  row: Readonly<Record<string, string>>,
  place: string,
): Partial<TissueParameters> {
  const set = PARAMETER_COLUMNS.filter(([column]) => (row[column] ?? '').trim() !== '').map(
    ([column, key]) => [key, parseCell(key, row[column].trim(), `${place} (${column})`)] as const,
  );
  return Object.fromEntries(set);
}

/** Formats parameters as the cells of a CSV row, as CLAM does. */
export function formatParameterRow(parameters: TissueParameters): Record<string, string> {
  return Object.fromEntries(PARAMETER_COLUMNS.map(([column, key]) => [column, formatCell(parameters[key])]));
}

/** Checks parameters and returns them. @throws SamMilError InvalidInput for invalid values or combinations */
export function checked(parameters: TissueParameters, file?: string): TissueParameters {
  const refuse = (key: string, expected: string, found: unknown) => {
    throw new SamMilError('InvalidInput', `parameter ${key} has an invalid value`, {
      file,
      expected,
      found: String(found),
    });
  };
  const { mthresh, contourFn } = parameters;
  if (!Number.isInteger(mthresh) || mthresh < 1 || mthresh % 2 === 0)
    refuse('mthresh', 'an odd number', mthresh);
  if (!CONTOUR_FUNCTIONS.includes(contourFn)) refuse('contour_fn', CONTOUR_FUNCTIONS.join(', '), contourFn);
  for (const key of ['sthresh', 'close', 'aT', 'aH', 'maxNHoles', 'lineThickness'] as const) {
    if (!(parameters[key] >= 0)) refuse(key, 'a number of at least 0', parameters[key]);
  }
  for (const key of ['close', 'maxNHoles'] as const) {
    if (!Number.isInteger(parameters[key])) refuse(key, 'an integer', parameters[key]);
  }
  for (const key of ['segLevel', 'visLevel'] as const) {
    if (!Number.isInteger(parameters[key]) || parameters[key] < -1)
      refuse(key, 'a level or -1', parameters[key]);
  }
  return parameters;
}

function parseCell(key: keyof TissueParameters, text: string, place: string): unknown {
  const refuse = (expected: string) =>
    new SamMilError('InvalidInput', 'the cell has an invalid value', {
      file: place,
      expected,
      found: JSON.stringify(text),
    });
  const example = DEFAULT[key];
  if (Array.isArray(example)) {
    if (text.toLowerCase() === 'none') return [];
    const ids = text.split(/[,;\s]+/).map(Number);
    if (ids.every((id) => Number.isInteger(id) && id >= 0)) return ids;
    throw refuse('contour numbers such as 0,2 or "none"');
  }
  if (typeof example === 'boolean') {
    const lower = text.toLowerCase();
    if (['true', '1', '1.0'].includes(lower)) return true;
    if (['false', '0', '0.0'].includes(lower)) return false;
    throw refuse('true or false');
  }
  if (typeof example === 'number') {
    const value = Number(text);
    if (Number.isFinite(value)) return value;
    throw refuse('a number');
  }
  return text;
}

function formatCell(value: TissueParameters[keyof TissueParameters]): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(',');
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return String(value);
}
