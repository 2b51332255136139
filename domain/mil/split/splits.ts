import { SamMilError } from '../../errors.js';
import { requireSchema } from '../../engine/language/check/require-schema.js';
import { readJson } from '../../files/read-json.js';
import type { Json } from '../../json.js';
import type { Endpoint, Outcome } from '../targets/target.js';
import { SPLITS } from './splits-schema.js';

/** Keys of the bags of each set. `val` may be empty. */
export interface Fold {
  fold: number;
  train: string[];
  val: string[];
  test: string[];
}

export type SetName = 'train' | 'val' | 'test';
export const SET_NAMES: readonly SetName[] = ['train', 'val', 'test'];

/** One cross-validation. `seed` is the first repeat's seed + repeat. */
export interface Repeat {
  repeat: number;
  seed: number;
  folds: Fold[];
}

/**
 * The splits file: the training, validation and test bags of each fold. Its digest identifies the experiment.
 */
export interface Splits {
  /** Version of this structure. */
  splits: 1;
  /** `all`: no fold has test slides. */
  scheme: 'stratified' | 'reference' | 'all' | 'file';
  /** Only some slides of one fold: see `partOfFold`. */
  part?: true;
  seed: number;
  endpoint: Endpoint;
  /** Digest of the file from which the lists were read, with scheme `file`. */
  source?: string;
  /**
   * Class names in index order. Of two, the last is the positive one. For survival and regression, the strata
   * (events and values by quantile) that are spread over the folds.
   */
  classes: string[];
  /** Bag key to index of its class or stratum. */
  labels: Record<string, number>;
  /** Name of the column of times or values. Only for survival and regression. */
  quantity?: string;
  /** Bag key to the follow-up of its patient. Only for survival. */
  followUp?: Record<string, { time: number; event: 0 | 1 }>;
  /** Bag key to value. Only for regression. */
  values?: Record<string, number>;
  /** Bag key to patient, if slides are grouped. */
  groups?: Record<string, string>;
  repeats: Repeat[];
}

/**
 * Reads and checks a splits file.
 *
 * @throws SamMilError InvalidInput naming the file and the problem, including leaks
 */
export function readSplits(path: string): Splits {
  const value = readJson(path, 'splits file', 'run the mil.split stage again') as Json;
  requireSchema(SPLITS, value, {
    file: path,
    what: 'not a splits file of version 1',
    expected:
      '{"splits": 1, "classes": [...], "labels": {...}, "repeats": [{"repeat": 0, "folds": [{"fold": 0, ...}]}]}, as written by mil.split',
    next: 'pass other lists to mil.split as `splits`',
  });
  const splits = value as unknown as Splits;
  checkSplits(splits, path);
  return splits;
}

/**
 * Formats a splits file. Equal splits give equal text. Lists keep their order, which is part of published
 * procedures.
 */
export function formatSplits(splits: Splits): string {
  const sorted = (record: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));
  const { labels, followUp, values, groups, repeats, ...head } = splits;
  const ordered = {
    ...{ ...head, labels: sorted(labels) },
    ...(followUp && { followUp: sorted(followUp) }),
    ...(values && { values: sorted(values) }),
    ...(groups && { groups: sorted(groups) }),
    repeats,
  };
  return `${JSON.stringify(ordered, null, 1)}\n`;
}

/**
 * What is known of a bag.
 * @throws SamMilError InvalidInput where the splits do not state it
 */
export function outcomeOf({ endpoint, labels, followUp, values }: Splits, key: string): Outcome {
  if (endpoint === 'classification') return { endpoint, label: labels[key] };
  if (endpoint === 'survival' && followUp && Object.hasOwn(followUp, key))
    return { endpoint, ...followUp[key] };
  if (endpoint === 'regression' && values && Object.hasOwn(values, key)) {
    return { endpoint, value: values[key] };
  }
  throw new SamMilError('InvalidInput', `the splits do not state the ${endpoint} outcome of "${key}"`, {
    next: 'run the mil.split stage again',
  });
}

/**
 * Finds a fold of a splits file.
 *
 * @throws SamMilError InvalidInput where the repeat or fold does not exist
 */
export function findFold(splits: Splits, repeat: number, fold: number): Fold {
  const found = splits.repeats
    .find((entry) => entry.repeat === repeat)
    ?.folds.find((entry) => entry.fold === fold);
  if (found === undefined) {
    throw new SamMilError('InvalidInput', `the splits have no repeat ${repeat}, fold ${fold}`, {
      found: `${splits.repeats.length} repeats of ${splits.repeats[0]?.folds.length ?? 0} folds`,
      next: 'set `repeats` and `folds` of mil.split to cover the training matrix',
    });
  }
  return found;
}

/**
 * Rejects invalid splits: a class name that occurs twice, a bag without its label, follow-up or value, a bag
 * or a patient in two sets of a fold, an empty training or test set, two folds with the same number.
 *
 * @throws SamMilError InvalidInput naming the repeat, the fold, the patient and the bags
 */
export function checkSplits(splits: Splits, file: string): void {
  refuseTwice('class', splits.classes, file);
  if (splits.endpoint !== 'classification' && splits.quantity === undefined) {
    throw new SamMilError('InvalidInput', `the splits of ${splits.endpoint} do not name their quantity`, {
      file,
    });
  }
  refuseTwice('repeat', splits.repeats.map(({ repeat }) => repeat), file); // prettier-ignore
  for (const { repeat, folds } of splits.repeats) {
    refuseTwice('fold', folds.map(({ fold }) => fold), `${file} (repeat ${repeat})`); // prettier-ignore
    for (const fold of folds) {
      const place = { file: `${file} (repeat ${repeat}, fold ${fold.fold})` };
      checkLabels(splits, fold, place);
      const required = splits.scheme === 'all' ? (['train'] as const) : (['train', 'test'] as const);
      for (const set of splits.part ? [] : required) {
        if (fold[set].length === 0) throw new SamMilError('InvalidInput', `the ${set} set is empty`, place);
      }
      refuseLeak(splits, fold, place);
    }
  }
}

/** Of two folds with the same number, only the first would be trained. */
function refuseTwice(what: string, names: readonly (string | number)[], file: string): void {
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice === undefined) return;
  throw new SamMilError('InvalidInput', `${what} ${twice} is defined twice`, { file });
}

function checkLabels(splits: Splits, fold: Fold, place: { file: string }): void {
  for (const set of SET_NAMES) {
    for (const key of fold[set]) {
      const label = Object.hasOwn(splits.labels, key) ? splits.labels[key] : undefined;
      if (label === undefined || !Number.isInteger(label) || label < 0 || label >= splits.classes.length) {
        throw new SamMilError('InvalidInput', `"${key}" of the ${set} set has no label`, place);
      }
      const stated = splits.endpoint === 'survival' ? splits.followUp : splits.values;
      if (splits.endpoint !== 'classification' && !(stated && Object.hasOwn(stated, key))) {
        const what = splits.endpoint === 'survival' ? 'follow-up' : 'value';
        throw new SamMilError('InvalidInput', `"${key}" of the ${set} set has no ${what}`, place);
      }
    }
  }
}

function refuseLeak(splits: Splits, fold: Fold, place: { file: string }): void {
  const findGroup = (key: string) =>
    splits.groups && Object.hasOwn(splits.groups, key) ? splits.groups[key] : undefined;
  const homes = new Map<string, { set: SetName; key: string }>();
  const seen = new Map<string, SetName>();
  for (const set of SET_NAMES) {
    for (const key of fold[set]) {
      const before = seen.get(key);
      if (before !== undefined) {
        const what = before === set ? `is twice in the ${set} set` : 'is in two sets';
        throw new SamMilError('InvalidInput', `"${key}" ${what}`, {
          ...place,
          ...(before !== set && { found: `${before} and ${set}` }),
        });
      }
      seen.set(key, set);
      const group = findGroup(key);
      if (group === undefined) continue;
      const home = homes.get(group);
      if (home !== undefined && home.set !== set) {
        throw new SamMilError('InvalidInput', `patient "${group}" leaks from ${home.set} into ${set}`, {
          ...place,
          expected: 'all slides of a patient in one set',
          found: `"${home.key}" in ${home.set}, "${key}" in ${set}`,
          next: 'set `group-column` of mil.split to the patient column',
        });
      }
      homes.set(group, { set, key });
    }
  }
}
