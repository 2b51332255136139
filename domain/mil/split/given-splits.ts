import { SamMilError } from '../../errors.js';
import { requireSchema } from '../../engine/language/check/require-schema.js';
import { readJson } from '../../files/read-json.js';
import { readCsv } from '../../files/csv.js';
import type { Json } from '../../json.js';
import { SET_NAMES, type Fold } from './splits.js';
import { GIVEN_SPLITS } from './splits-schema.js';

/** A fold in a user's file. Without `train`, all other bags are used for training. */
export interface GivenFold extends Omit<Fold, 'train'> {
  train?: string[];
}

export interface GivenRepeat {
  repeat: number;
  seed: number;
  folds: GivenFold[];
}

/**
 * Reads a user's splits file: JSON (`repeats: [{repeat, folds: [{fold, train, val, test}]}]`, where an absent
 * `train` means all others and an absent `val` none) or a CSV with the columns repeat (optional), fold, set
 * (train, val, test), slide_id.
 *
 * @throws SamMilError InvalidInput naming file and line
 */
export function readGivenSplits(path: string, seed: number): GivenRepeat[] {
  const repeats = path.toLowerCase().endsWith('.csv') ? fromCsv(path) : fromJson(path);
  if (repeats.length === 0)
    throw new SamMilError('InvalidInput', 'the splits file has no folds', { file: path });
  return repeats.map((repeat) => ({ ...repeat, seed: seed + repeat.repeat }));
}

type Lists = Omit<GivenRepeat, 'seed'>;

function fromJson(path: string): Lists[] {
  const value = readJson(path, 'splits file') as Json;
  requireSchema(GIVEN_SPLITS, value, {
    file: path,
    what: 'not a splits file',
    expected:
      '{"repeats": [{"folds": [{"train": [...], "val": [...], "test": [...]}]}]}, train and val optional',
  });
  const { repeats } = value as unknown as { repeats: GivenJson[] };
  return repeats.map(({ repeat, folds }, r) => ({
    repeat: repeat ?? r,
    folds: folds.map(({ fold, val, ...sets }, f) => ({ fold: fold ?? f, val: val ?? [], ...sets })),
  }));
}

/** What the schema lets through. */
interface GivenJson {
  repeat?: number;
  folds: (Pick<Fold, 'test'> & Partial<Fold>)[];
}

function fromCsv(path: string): Lists[] {
  const table = readCsv(path, { header: true });
  for (const column of ['fold', 'set', 'slide_id']) {
    if (!table.columns.includes(column)) {
      throw new SamMilError('InvalidInput', `no column "${column}"`, {
        file: path,
        expected: 'columns repeat (optional), fold, set, slide_id',
        found: table.columns.join(', '),
      });
    }
  }
  const repeats = new Map<number, Map<number, Fold>>();
  for (const { line, values } of table.rows) {
    const [repeat, fold] = [Number(values.repeat ?? 0), Number(values.fold)];
    const set = SET_NAMES.find((name) => name === values.set);
    const numbered = [values.repeat ?? '0', values.fold].every((cell) => /^\d+$/.test(cell));
    if (!numbered || set === undefined || values.slide_id === '') {
      throw new SamMilError('InvalidInput', 'this row is not a valid split', {
        file: `${path}:${line}`,
        expected: 'integers for repeat and fold, train, val or test, and a slide_id',
        found: Object.values(values).join(','),
      });
    }
    const folds = repeats.get(repeat) ?? new Map<number, Fold>();
    const entry = folds.get(fold) ?? { fold, train: [], val: [], test: [] };
    entry[set].push(values.slide_id);
    repeats.set(repeat, folds.set(fold, entry));
  }
  const ascending = <T>(map: Map<number, T>) => [...map].sort(([a], [b]) => a - b);
  return ascending(repeats).map(([repeat, folds]) => ({
    repeat,
    folds: ascending(folds).map(([, { train, ...fold }]) => (train.length > 0 ? { ...fold, train } : fold)),
  }));
}
