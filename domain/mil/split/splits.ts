import { SamMilError } from '../../errors.js';
import { readJson } from '../../files/read-json.js';
import type { InputFile } from '../../job.js';
import { isJsonObject, type Json, type JsonObject } from '../../json.js';

/** Keys of the bags of each set. `val` may be empty. */
export interface Fold {
  fold: number;
  train: string[];
  val: string[];
  test: string[];
}

export type SetName = 'train' | 'val' | 'test';
export const SET_NAMES: readonly SetName[] = ['train', 'val', 'test'];

/** One cross-validation. `seed` is the one that made it: the first repeat's seed + repeat. */
export interface Repeat {
  repeat: number;
  seed: number;
  folds: Fold[];
}

/** The splits file: who is trained, validated and tested on whom. Its digest names the experiment. */
export interface Splits {
  /** Version of this structure. */
  splits: 1;
  scheme: 'stratified' | 'reference' | 'file';
  seed: number;
  /** Digest of the file the lists were taken from, with scheme `file`. */
  source?: string;
  /** Class names in index order; of two, the last is the positive one. */
  classes: string[];
  /** Bag key to class index. */
  labels: Record<string, number>;
  /** Bag key to patient, where slides are grouped. */
  groups?: Record<string, string>;
  repeats: Repeat[];
}

/**
 * Reads and checks a splits file.
 * @throws SamMilError InvalidInput naming the file and what is wrong in it, leaks included
 */
export function readSplits(path: string): Splits {
  const value = readJson(path, 'splits file', 'run the mil.split stage again');
  const fault = shapeFault(value);
  if (fault !== undefined) {
    throw new SamMilError('InvalidInput', 'not a splits file of version 1', {
      file: path,
      expected:
        '{"splits": 1, "classes": [...], "labels": {...}, "repeats": [{"repeat": 0, "folds": [{"fold": 0, ...}]}]}, as mil.split writes it',
      found: fault,
      next: 'give lists made elsewhere to mil.split as `splits`',
    });
  }
  const splits = value as Splits;
  checkSplits(splits, path);
  return splits;
}

/** What of a splits file is not as it should be, the lists of the folds apart. */
function shapeFault(value: unknown): string | undefined {
  if (!isJsonObject(value)) return 'no object';
  const { splits, classes, labels, groups, repeats } = value;
  if (splits !== 1) return `\`splits\` ${JSON.stringify(splits)}`;
  if (!Array.isArray(classes) || !classes.every((name) => typeof name === 'string'))
    return 'no list of `classes`';
  if (!isJsonObject(labels)) return 'no `labels`';
  if (groups !== undefined && !isJsonObject(groups)) return '`groups` that are no object';
  if (!Array.isArray(repeats)) return 'no list of `repeats`';
  const numbered = (entry: Json | undefined, name: string): entry is JsonObject =>
    isJsonObject(entry) && Number.isInteger(entry[name]);
  for (const [i, entry] of repeats.entries()) {
    if (!numbered(entry, 'repeat') || !Array.isArray(entry.folds))
      return `no number and folds in repeat ${i}`;
    if (!entry.folds.every((fold) => numbered(fold, 'fold'))) return `a fold without a number in repeat ${i}`;
  }
  return undefined;
}

/** Text of a splits file; equal splits give equal text. Lists keep their order: it is part of published procedures. */
export function formatSplits(splits: Splits): string {
  const sorted = (record: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
  const { labels, groups, repeats, ...head } = splits;
  const ordered = { ...head, labels: sorted(labels), ...(groups ? { groups: sorted(groups) } : {}), repeats };
  return `${JSON.stringify(ordered, null, 1)}\n`;
}

/**
 * One fold of a splits file.
 * @throws SamMilError InvalidInput when there is no such repeat or fold
 */
export function foldOf(splits: Splits, repeat: number, fold: number): Fold {
  const found = splits.repeats
    .find((entry) => entry.repeat === repeat)
    ?.folds.find((entry) => entry.fold === fold);
  if (found === undefined) {
    throw new SamMilError('InvalidInput', `no repeat ${repeat}, fold ${fold} in the splits`, {
      found: `${splits.repeats.length} repeats of ${splits.repeats[0]?.folds.length ?? 0} folds`,
      next: 'set repeats and folds of mil.split to at least what the training matrix asks for',
    });
  }
  return found;
}

/**
 * Refuses a checkpoint that was trained on other splits: its test slides might then have been trained on.
 * @param training what the checkpoint tells of its training
 * @throws SamMilError InvalidInput naming both digests
 */
export function refuseOtherSplits(
  training: JsonObject,
  split: Pick<InputFile, 'digest'>,
  checkpoint: Pick<InputFile, 'path'>,
): void {
  if (typeof training.splits !== 'string' || training.splits === split.digest) return;
  throw new SamMilError('InvalidInput', 'the checkpoint was trained on other splits', {
    file: checkpoint.path,
    expected: `splits ${split.digest}`,
    found: `splits ${training.splits}`,
    next: 'give the splits file of its training, or train again',
  });
}

/**
 * Refuses splits that can't be trusted: a bag without a label, a bag or a patient in two sets of one fold, an empty training or test set, two folds of
 * one number.
 * @throws SamMilError InvalidInput naming the repeat, the fold, the patient and the bags
 */
export function checkSplits(splits: Splits, file: string): void {
  refuseTwice('repeat', splits.repeats.map(({ repeat }) => repeat), file); // prettier-ignore
  for (const { repeat, folds } of splits.repeats) {
    refuseTwice('fold', folds.map(({ fold }) => fold), `${file} (repeat ${repeat})`); // prettier-ignore
    for (const fold of folds) {
      const place = { file: `${file} (repeat ${repeat}, fold ${fold.fold})` };
      checkLabels(splits, fold, place);
      for (const set of ['train', 'test'] as const) {
        if (fold[set].length === 0) throw new SamMilError('InvalidInput', `the ${set} set is empty`, place);
      }
      refuseLeak(splits, fold, place);
    }
  }
}

/** Of two with one number only the first would ever be trained. */
function refuseTwice(what: string, numbers: readonly number[], file: string): void {
  const twice = numbers.find((number, i) => numbers.indexOf(number) !== i);
  if (twice === undefined) return;
  throw new SamMilError('InvalidInput', `${what} ${twice} comes twice`, { file });
}

function checkLabels(splits: Splits, fold: Fold, place: { file: string }): void {
  for (const set of SET_NAMES) {
    if (!Array.isArray(fold[set])) throw new SamMilError('InvalidInput', `no list "${set}"`, place);
    for (const key of fold[set]) {
      const label = Object.hasOwn(splits.labels, key) ? splits.labels[key] : undefined;
      if (label === undefined || !Number.isInteger(label) || label < 0 || label >= splits.classes.length) {
        throw new SamMilError('InvalidInput', `"${key}" of the ${set} set has no label`, place);
      }
    }
  }
}

function refuseLeak(splits: Splits, fold: Fold, place: { file: string }): void {
  const groupOf = (key: string) =>
    splits.groups && Object.hasOwn(splits.groups, key) ? splits.groups[key] : undefined;
  const homes = new Map<string, { set: SetName; key: string }>();
  const seen = new Map<string, SetName>();
  for (const set of SET_NAMES) {
    for (const key of fold[set]) {
      const before = seen.get(key);
      if (before !== undefined) {
        const what = before === set ? `comes twice in the ${set} set` : 'is in two sets';
        throw new SamMilError('InvalidInput', `"${key}" ${what}`, {
          ...place,
          ...(before !== set && { found: `${before} and ${set}` }),
        });
      }
      seen.set(key, set);
      const group = groupOf(key);
      if (group === undefined) continue;
      const home = homes.get(group);
      if (home !== undefined && home.set !== set) {
        throw new SamMilError('InvalidInput', `patient "${group}" leaks from ${home.set} into ${set}`, {
          ...place,
          expected: 'all slides of a patient in one set',
          found: `"${home.key}" in ${home.set}, "${key}" in ${set}`,
          next: 'split with group-column set to the patient column',
        });
      }
      homes.set(group, { set, key });
    }
  }
}
