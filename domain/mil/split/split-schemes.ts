import { SamMilError } from '../../errors.js';
import { RandomStream } from '../../random.js';
import { chooseValidation, referenceFolds, stratifiedFolds, type Unit } from './fold-assignment.js';
import type { LabeledBag } from './labeled-bags.js';
import type { Fold } from './splits.js';

/** A unit with its bags: all bags of a patient, or a single ungrouped bag. */
interface Grouped extends Unit {
  keys: string[];
}

/**
 * Creates cross-validation folds that keep patients together and spread every class evenly. They depend only
 * on keys, labels, groups and the seed, not on the order of any file.
 *
 * @param bags sorted by key
 * @throws SamMilError InvalidInput where a class has fewer patients (or ungrouped slides) than there are
 *   folds
 */
export function stratifiedScheme(
  bags: readonly LabeledBag[],
  classes: readonly string[],
  options: { folds: number; seed: number; valRatio: number },
): Fold[] {
  const units = groupBags(bags, classes.length);
  const holders = classes.map((_, k) => units.filter(({ counts }) => counts[k] > 0).length);
  refuseSmallClass(classes, holders, options.folds, 'patients or ungrouped slides');
  const assigned = stratifiedFolds(units, options.folds, new RandomStream(options.seed, 'split', 'folds'));
  return Array.from({ length: options.folds }, (_, fold) => {
    const rest = units.filter((_, unit) => assigned[unit] !== fold);
    const random = new RandomStream(options.seed, 'split', 'validation', fold);
    const chosen = chooseValidation(rest, options.valRatio, random);
    return {
      fold,
      train: collectKeys(rest.filter((_, unit) => !chosen[unit])),
      val: collectKeys(rest.filter((_, unit) => chosen[unit])),
      test: collectKeys(units.filter((_, unit) => assigned[unit] === fold)),
    };
  });
}

/**
 * Creates one fold without test slides, for a final model that other cohorts test. Patients are kept together
 * in the validation set too.
 * @param bags sorted by key
 */
export function wholeScheme(
  bags: readonly LabeledBag[],
  classes: readonly string[],
  { seed, valRatio }: { seed: number; valRatio: number },
): Fold[] {
  const units = groupBags(bags, classes.length);
  const chosen = chooseValidation(units, valRatio, new RandomStream(seed, 'split', 'validation', 0));
  return [
    {
      fold: 0,
      train: collectKeys(units.filter((_, unit) => !chosen[unit])),
      val: collectKeys(units.filter((_, unit) => chosen[unit])),
      test: [],
    },
  ];
}

/** Rejects a class that cannot be in every test set. It is often a mistyped label. */
function refuseSmallClass(
  classes: readonly string[],
  holders: readonly number[],
  folds: number,
  unit: string,
): void {
  const small = holders.indexOf(Math.min(...holders));
  if (holders[small] >= folds) return;
  throw new SamMilError('InvalidInput', `class "${classes[small]}" is too small for ${folds} folds`, {
    expected: `at least ${folds} ${unit}`,
    found: `${holders[small]}`,
    next: `lower \`folds\`, add slides, or correct the labels (their classes are ${classes.join(', ')})`,
  });
}

/**
 * Applies the published procedure to the rows of the labels file in file order. Test lists equal the
 * published ones. The optional validation set takes floor(count * ratio) random rows of each class, as
 * published, but from a stream of sam-mil, because published lists have no validation set.
 *
 * @param rowLabels class index of every row of the labels file, including rows of omitted slides
 * @throws SamMilError InvalidInput where a class has fewer rows than there are folds
 */
export function referenceScheme(
  bags: readonly LabeledBag[],
  rowLabels: readonly number[],
  classNames: readonly string[],
  options: { folds: number; seed: number; valRatio: number },
): Fold[] {
  const holders = classNames.map((_, k) => rowLabels.filter((label) => label === k).length);
  refuseSmallClass(classNames, holders, options.folds, 'rows of the labels');
  const keys = new Map<number, string[]>();
  for (const { key, row } of bags) keys.set(row, [...(keys.get(row) ?? []), key]);
  const { order, folds } = referenceFolds(rowLabels, options.folds, options.seed);
  const classes = classNames.length;
  const toUnit = (row: number): Grouped => ({
    name: `${row}`,
    counts: oneHot(rowLabels[row], classes),
    keys: keys.get(row) ?? [],
  });
  return Array.from({ length: options.folds }, (_, fold) => {
    const rest = order.filter((_, i) => folds[i] !== fold).map(toUnit);
    const test = order.filter((_, i) => folds[i] === fold).map(toUnit);
    const random = new RandomStream(options.seed, 'split', 'validation', fold);
    const chosen = chooseValidation(rest, options.valRatio, random, (rows) =>
      Math.floor(rows * options.valRatio),
    );
    return {
      fold,
      train: collectKeys(rest.filter((_, unit) => !chosen[unit])),
      val: collectKeys(rest.filter((_, unit) => chosen[unit])),
      test: collectKeys(test),
    };
  });
}

function groupBags(bags: readonly LabeledBag[], classes: number): Grouped[] {
  const units = new Map<string, Grouped & { counts: number[] }>();
  for (const { key, label, group } of bags) {
    // The prefix keeps a patient and an ungrouped slide of the same name apart.
    const name = group === undefined ? `slide ${key}` : `group ${group}`;
    const unit = units.get(name) ?? { name, counts: new Array<number>(classes).fill(0), keys: [] };
    unit.counts[label]++;
    unit.keys.push(key);
    units.set(name, unit);
  }
  return [...units.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function collectKeys(units: readonly Grouped[]): string[] {
  return units.flatMap(({ keys }) => keys);
}

function oneHot(index: number, length: number): number[] {
  return Array.from({ length }, (_, i) => (i === index ? 1 : 0));
}
