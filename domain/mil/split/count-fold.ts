import type { JsonObject } from '../../json.js';
import { unitOf } from '../labels/labeled-bags.js';
import type { Fold, Repeat, Splits } from './splits.js';

/** Entry of the output `summary`: what is in each set of a fold. */
export function countFold(splits: Splits, { repeat, seed }: Repeat, fold: Fold): JsonObject {
  return {
    ...{ repeat, seed, fold: fold.fold },
    train: countSet(splits, fold.train),
    val: countSet(splits, fold.val),
    test: countSet(splits, fold.test),
  };
}

/** Slides of each class; for survival and regression slides and patients, with the events or the mean. */
function countSet(splits: Splits, keys: readonly string[]): JsonObject {
  const { endpoint, classes, labels, followUp = {}, values = {} } = splits;
  if (endpoint === 'classification') {
    return Object.fromEntries(
      classes.map((name, k) => [name, keys.filter((key) => labels[key] === k).length]),
    );
  }
  const first = onePerPatient(splits, keys);
  const counts = { slides: keys.length, patients: first.length };
  if (endpoint === 'survival') {
    return { ...counts, events: first.filter((key) => followUp[key].event === 1).length };
  }
  const sum = first.reduce((total, key) => total + values[key], 0);
  return { ...counts, mean: first.length === 0 ? null : sum / first.length };
}

/** The first slide of each patient. Slides without a patient count as one each. */
export function onePerPatient({ groups }: Pick<Splits, 'groups'>, keys: readonly string[]): string[] {
  const seen = new Set<string>();
  return keys.filter((key) => {
    const unit = unitOf({ key, ...(groups?.[key] !== undefined && { group: groups[key] }) });
    return seen.size < seen.add(unit).size;
  });
}
