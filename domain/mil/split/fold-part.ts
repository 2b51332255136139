import { digestOfJson } from '../../digest.js';
import type { ReadPart } from '../../engine/store/read-part.js';
import { findFold, formatSplits, outcomeOf, SET_NAMES, type SetName, type Splits } from './splits.js';

/** Names of the sets in messages. */
export const SET_TITLES: Readonly<Record<SetName, string>> = {
  train: 'training',
  val: 'validation',
  test: 'test',
};

/** Identifies some slides, in their order, with their classes, follow-up or values. */
export function digestOfSlides(splits: Splits, keys: readonly string[]): string {
  return digestOfJson(keys.map((key) => [key, ...outcomeText(splits, key)]));
}

function outcomeText(splits: Splits, key: string): (string | number)[] {
  const outcome = outcomeOf(splits, key);
  if (outcome.endpoint === 'classification') return [splits.classes[outcome.label]];
  return outcome.endpoint === 'survival' ? [outcome.time, outcome.event] : [outcome.value];
}

function pick<T>(record: Readonly<Record<string, T>>, keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(keys.map((key) => [key, record[key]]));
}

export interface FoldToRead {
  repeat: number;
  fold: number;
  /** The slides of each set that the step reads. */
  slides: Readonly<Record<SetName, readonly string[]>>;
  /** Names the seed of the repeat in its outputs. */
  seed?: boolean;
  /** Slides of which it reads the patient. */
  patientsOf?: readonly string[];
}

/**
 * Reduces a splits file to some slides of one fold.
 * @throws SamMilError InvalidInput where the repeat or fold does not exist
 */
export function partOfFold(
  splits: Splits,
  { repeat, fold, slides, seed = false, patientsOf = [] }: FoldToRead,
): ReadPart {
  findFold(splits, repeat, fold);
  const named = seed ? (splits.repeats.find((entry) => entry.repeat === repeat)?.seed ?? splits.seed) : 0;
  const keys = SET_NAMES.flatMap((set) => slides[set]);
  const sets = Object.fromEntries(SET_NAMES.map((set) => [set, [...slides[set]]])) as Record<
    SetName,
    string[]
  >;
  const groups = patientsOf.flatMap((key) => {
    const group = splits.groups?.[key];
    return group === undefined ? [] : [[key, group] as const];
  });
  const part: Splits = {
    splits: 1,
    scheme: 'file',
    part: true,
    seed: named,
    endpoint: splits.endpoint,
    classes: splits.classes,
    labels: pick(splits.labels, keys),
    ...(splits.quantity !== undefined && { quantity: splits.quantity }),
    ...(splits.followUp && { followUp: pick(splits.followUp, keys) }),
    ...(splits.values && { values: pick(splits.values, keys) }),
    ...(groups.length > 0 && { groups: Object.fromEntries(groups) }),
    repeats: [{ repeat, seed: named, folds: [{ fold, ...sets }] }],
  };
  const what = splits.endpoint === 'classification' ? 'class' : 'outcome';
  const lists = SET_NAMES.filter((set) => slides[set].length > 0);
  return {
    text: formatSplits(part),
    covers: {
      fold: `${repeat}, ${fold}`,
      classes: JSON.stringify(splits.classes),
      ...(seed && { 'seed of the splits': String(named) }),
      ...Object.fromEntries(groups.map(([key, group]) => [`patient of ${key}`, group])),
      ...Object.fromEntries(keys.map((key) => [`${what} of ${key}`, outcomeText(splits, key).join(', ')])),
      ...Object.fromEntries(
        lists.map((set) => [`list of ${SET_TITLES[set]} slides`, digestOfSlides(splits, slides[set])]),
      ),
    },
  };
}
