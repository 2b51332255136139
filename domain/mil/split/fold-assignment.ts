import type { RandomStream } from '../../random.js';
import { PythonRandom } from './python-random.js';

/**
 * A unit that must not be divided: a patient with all slides, or a single slide. `counts` holds its slides
 * per class.
 */
export interface Unit {
  name: string;
  counts: readonly number[];
}

/**
 * Assigns whole units to folds in one greedy pass that spreads every class, and the number of slides, as
 * evenly as possible. It visits units in random order, large ones first and class by class. Each goes to the
 * fold whose squared class shares grow least; ties go to the smallest fold. With units of one slide, the
 * folds' counts of each class differ by at most 1, and so do their totals.
 *
 * @param units sorted by name, so that the order of the file does not matter
 * @returns fold index of each unit
 */
export function stratifiedFolds(units: readonly Unit[], folds: number, random: RandomStream): Uint32Array {
  const totals = sumCounts(units);
  const size = units.map(({ counts }) => counts.reduce((sum, count) => sum + count, 0));
  const mainClass = units.map(({ counts }) => counts.indexOf(Math.max(...counts)));
  const order = random
    .permutation(units.length)
    .sort((a, b) => size[b] - size[a] || mainClass[a] - mainClass[b]);
  const held = Array.from({ length: folds }, () => ({ counts: totals.map(() => 0), slides: 0 }));
  const assigned = new Uint32Array(units.length);
  for (const unit of order) {
    const growth = held.map((fold) => shareGrowth(fold.counts, units[unit].counts, totals));
    let best = 0;
    for (let fold = 1; fold < folds; fold++) {
      const difference = growth[fold] - growth[best];
      if (difference < -1e-12 || (difference < 1e-12 && held[fold].slides < held[best].slides)) best = fold;
    }
    assigned[unit] = best;
    held[best].slides += size[unit];
    units[unit].counts.forEach((count, k) => (held[best].counts[k] += count));
  }
  return assigned;
}

function shareGrowth(held: readonly number[], added: readonly number[], totals: readonly number[]): number {
  return added.reduce((sum, count, k) => {
    return sum + (totals[k] === 0 ? 0 : (2 * held[k] * count + count * count) / (totals[k] * totals[k]));
  }, 0);
}

export function sumCounts(units: readonly Unit[]): number[] {
  const totals = new Array<number>(units[0]?.counts.length ?? 0).fill(0);
  for (const { counts } of units) counts.forEach((count, k) => (totals[k] += count));
  return totals;
}

/**
 * The published procedure (benchmark of MHIM-MIL and SAM-MIL): rows in file order, shuffled by Python's
 * `random` seeded with `seed`, then scikit-learn's StratifiedKFold without shuffling on the shuffled rows.
 *
 * @param labels class index of each row, in file order
 * @returns `order`: the shuffled rows; `folds`: the fold of each entry of `order`. The published lists are in
 *   this order.
 */
export function referenceFolds(
  labels: readonly number[],
  folds: number,
  seed: number,
): { order: number[]; folds: number[] } {
  const order = new PythonRandom(seed).shuffle(labels.map((_, row) => row));
  const appearance = [...new Set(order.map((row) => labels[row]))];
  const encoded = order.map((row) => appearance.indexOf(labels[row]));
  const sorted = [...encoded].sort((a, b) => a - b);
  // The number of rows of class k in fold f is that in every folds-th entry of the sorted labels, starting at
  // f.
  const left = appearance.map((_, k) =>
    Array.from(
      { length: folds },
      (_, f) => sorted.filter((value, i) => i % folds === f && value === k).length,
    ),
  );
  const current = appearance.map(() => 0);
  const assigned = encoded.map((k) => {
    while (left[k][current[k]] === 0) current[k]++;
    left[k][current[k]]--;
    return current[k];
  });
  return { order, folds: assigned };
}

/**
 * Chooses whole units for the validation set, in random order, as long as every class of the unit stays
 * within its quota of `ratio`. A class without any unit then gets its smallest one. No unit is chosen that
 * would leave a class without units for training. By default, quotas are rounded and at least 1 if the class
 * has two or more units.
 *
 * @param quotaOf computes the quota of a class from its numbers of slides and units
 * @returns true for each unit in the validation set
 */
export function chooseValidation(
  units: readonly Unit[],
  ratio: number,
  random: RandomStream,
  quotaOf = (slides: number, holders: number) => (holders < 2 ? 0 : Math.max(1, Math.round(slides * ratio))),
): boolean[] {
  const chosen = units.map(() => false);
  if (ratio === 0) return chosen;
  const totals = sumCounts(units);
  const left = totals.map((_, k) => units.filter(({ counts }) => counts[k] > 0).length);
  const quota = totals.map((total, k) => quotaOf(total, left[k]));
  const taken = totals.map(() => 0);
  const spared = (unit: number) => units[unit].counts.every((count, k) => count === 0 || left[k] > 1);
  const take = (unit: number) => {
    chosen[unit] = true;
    units[unit].counts.forEach((count, k) => {
      taken[k] += count;
      if (count > 0) left[k]--;
    });
  };
  const order = random.permutation(units.length);
  for (const unit of order) {
    const fits = units[unit].counts.every((count, k) => count === 0 || taken[k] + count <= quota[k]);
    if (fits && spared(unit)) take(unit);
  }
  quota.forEach((limit, k) => {
    if (limit === 0 || taken[k] > 0) return;
    const holders = [...order].filter((unit) => units[unit].counts[k] > 0 && spared(unit));
    if (holders.length === 0) return;
    take(holders.reduce((best, unit) => (units[unit].counts[k] < units[best].counts[k] ? unit : best)));
  });
  return chosen;
}
