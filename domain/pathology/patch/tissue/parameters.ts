import { SamMilError } from '../../../errors.js';
import { readCsv } from '../../../files/csv.js';

export const CONTOUR_FUNCTIONS = ['four_pt', 'four_pt_hard', 'center', 'basic'] as const;
export type ContourFunction = (typeof CONTOUR_FUNCTIONS)[number];

/** What CLAM's presets and process lists set, in CLAM's meaning. */
export interface TissueParameters {
  /** Level to segment; -1: the level best for a downsample of 64. */
  segLevel: number;
  /** Saturation above which a pixel is tissue. */
  sthresh: number;
  /** Side of the median filter; odd. */
  mthresh: number;
  /** Side of the morphological close; 0 for none. */
  close: number;
  /** Let Otsu choose the threshold instead of `sthresh`. */
  useOtsu: boolean;
  /** Least area of tissue, and of a hole, in patches of 512 x 512 level-0 pixels. */
  aT: number;
  aH: number;
  maxNHoles: number;
  /** Level of the pictures; -1: the deepest that is still worth looking at. */
  visLevel: number;
  /** Width of the outlines in the picture, in level-0 pixels. */
  lineThickness: number;
  /** Let patches reach beyond the slide's border. */
  usePadding: boolean;
  contourFn: ContourFunction;
  /** Numbers of tissue contours, as written on the mask picture: only these (empty: all), and not those. */
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

/** CLAM's presets, by the names it gives them. */
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

/** CLAM's column names, in its order, and the parameter each sets. */
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

/** A preset by its name, or from a CSV file of one row in CLAM's columns. Throws `InvalidInput` for an unknown name or a bad file. */
export function presetParameters(preset: string): TissueParameters {
  const known = Object.hasOwn(PRESETS, preset) ? PRESETS[preset] : undefined;
  if (known !== undefined) return known;
  if (!preset.toLowerCase().endsWith('.csv')) {
    throw new SamMilError('InvalidInput', `there is no preset "${preset}"`, {
      expected: `${Object.keys(PRESETS).join(', ')}, or the path of a CSV file`,
    });
  }
  const { rows } = readCsv(preset, { header: true });
  if (rows.length !== 1) {
    throw new SamMilError('InvalidInput', 'a preset file holds one row of parameters', {
      file: preset,
      expected: '1 row below the header',
      found: `${rows.length}`,
    });
  }
  return checked({ ...DEFAULT, ...parametersOfRow(rows[0].values, `${preset}:${rows[0].line}`) }, preset);
}

/** The parameters that a CSV row sets; empty cells set none. Throws `InvalidInput`, naming file, line and column. */
export function parametersOfRow(
  row: Readonly<Record<string, string>>,
  place: string,
): Partial<TissueParameters> {
  const set = PARAMETER_COLUMNS.filter(([column]) => (row[column] ?? '').trim() !== '').map(
    ([column, key]) => [key, parseCell(key, row[column].trim(), `${place} (${column})`)] as const,
  );
  return Object.fromEntries(set);
}

/** Parameters as the cells of a CSV row, as CLAM writes them. */
export function rowOfParameters(parameters: TissueParameters): Record<string, string> {
  return Object.fromEntries(PARAMETER_COLUMNS.map(([column, key]) => [column, formatCell(parameters[key])]));
}

/** Returns its argument. Throws `InvalidInput` where values make no sense together or alone. */
export function checked(parameters: TissueParameters, file?: string): TissueParameters {
  const refuse = (key: string, expected: string, found: unknown) => {
    throw new SamMilError('InvalidInput', `parameter ${key} can't be used`, {
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
    if (!(parameters[key] >= 0)) refuse(key, 'a number from 0 up', parameters[key]);
  }
  for (const key of ['segLevel', 'visLevel'] as const) {
    if (!Number.isInteger(parameters[key]) || parameters[key] < -1)
      refuse(key, 'a level, or -1', parameters[key]);
  }
  return parameters;
}

function parseCell(key: keyof TissueParameters, text: string, place: string): unknown {
  const refuse = (expected: string) =>
    new SamMilError('InvalidInput', "the cell can't be read", {
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
