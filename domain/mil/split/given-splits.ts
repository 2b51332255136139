import { SamMilError } from '../../errors.js';
import { readJson } from '../../files/read-json.js';
import { readCsv } from '../../files/csv.js';
import { isJsonObject, type Json } from '../../json.js';
import { SET_NAMES, type Fold, type SetName } from './splits.js';

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
  const value = readJson(path, 'splits file');
  const repeats = isJsonObject(value) && Array.isArray(value.repeats) ? value.repeats : undefined;
  if (repeats === undefined) throw wrongShape(path, 'no list `repeats`');
  return repeats.map((entry, r) => {
    if (!isJsonObject(entry) || !Array.isArray(entry.folds))
      throw wrongShape(path, `repeat ${r} has no list \`folds\``);
    const folds = entry.folds.map((fold, f) => toFold(fold, f, `${path} (repeat ${r}, fold ${f})`));
    return { repeat: typeof entry.repeat === 'number' ? entry.repeat : r, folds };
  });
}

function toFold(value: Json, index: number, place: string): GivenFold {
  if (!isJsonObject(value)) throw wrongShape(place, 'the fold is not an object');
  const readList = (set: SetName): string[] => {
    const list = value[set];
    if (Array.isArray(list) && list.every((key) => typeof key === 'string')) return list;
    throw wrongShape(place, `\`${set}\` is not a list of names`);
  };
  return {
    fold: typeof value.fold === 'number' ? value.fold : index,
    ...(value.train === undefined ? {} : { train: readList('train') }),
    val: value.val === undefined ? [] : readList('val'),
    test: readList('test'),
  };
}

function wrongShape(file: string, found: string): SamMilError {
  return new SamMilError('InvalidInput', 'not a splits file', {
    file,
    expected:
      '{"repeats": [{"folds": [{"train": [...], "val": [...], "test": [...]}]}]}, train and val optional',
    found,
  });
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
    if (!Number.isInteger(repeat) || !Number.isInteger(fold) || values.fold === '' || set === undefined) {
      throw new SamMilError('InvalidInput', 'this row is not a valid split', {
        file: `${path}:${line}`,
        expected: 'integers for repeat and fold, and train, val or test',
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
