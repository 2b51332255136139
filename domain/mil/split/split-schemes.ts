import { SamMilError } from '../../errors.js';
import { RandomStream } from '../../random.js';
import { chooseValidation, referenceFolds, stratifiedFolds, type Unit } from './fold-assignment.js';
import type { Endpoint } from '../targets/target.js';
import { unitOf, type LabeledBag } from '../labels/labeled-bags.js';
import { firstNames } from '../bags/first-names.js';
import { lookMeasured } from '../labels/class-names.js';
import type { Fold } from './splits.js';

/** A unit with its bags: all bags of a patient, or a single ungrouped bag. */
interface Grouped extends Unit {
  keys: string[];
}

/** What is spread over the folds: the slides of each class, or the patients of each stratum. */
export interface Spread {
  endpoint: Endpoint;
  /** Names of the classes or strata. */
  classes: readonly string[];
  /** Slides of each class that were skipped or failed earlier, with the reason. */
  omitted?: readonly (readonly string[])[];
}

/**
 * Creates cross-validation folds that keep patients together and spread every class or stratum evenly. They
 * depend only on keys, labels, groups and the seed, not on the order of any file.
 *
 * @param bags sorted by key
 * @throws SamMilError InvalidInput where a class, or a cohort without classes, has fewer patients (or
 *   ungrouped slides) than there are folds
 */
export function stratifiedScheme(
  bags: readonly LabeledBag[],
  spread: Spread,
  options: { folds: number; seed: number; valRatio: number },
): Fold[] {
  const units = groupBags(bags, spread);
  refuseFewUnits(units, spread, options.folds);
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
  spread: Spread,
  { seed, valRatio }: { seed: number; valRatio: number },
): Fold[] {
  const units = groupBags(bags, spread);
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

function refuseFewUnits(units: readonly Unit[], { endpoint, classes, omitted }: Spread, folds: number): void {
  const kind = 'patients or ungrouped slides';
  if (endpoint === 'classification') {
    const holders = classes.map((_, k) => units.filter(({ counts }) => counts[k] > 0).length);
    refuseSmallClass(classes, holders, folds, kind, omitted);
  } else if (units.length < folds) {
    throw new SamMilError('InvalidInput', `the cohort is too small for ${folds} folds`, {
      expected: `at least ${folds} ${kind}`,
      found: `${units.length}`,
      next: 'lower `folds`, or add slides',
    });
  }
}

/** Rejects a class that cannot be in every test set. It is often a mistyped label. */
function refuseSmallClass(
  classes: readonly string[],
  holders: readonly number[],
  folds: number,
  unit: string,
  omitted: Spread['omitted'] = [],
): void {
  const small = holders.indexOf(Math.min(...holders));
  if (holders[small] >= folds) return;
  const gone = omitted[small] ?? [];
  throw new SamMilError('InvalidInput', `class "${classes[small]}" is too small for ${folds} folds`, {
    expected: `at least ${folds} ${unit}`,
    found: `${holders[small]}${gone.length === 0 ? '' : `; omitted: ${firstNames(gone)}`}`,
    next: lookMeasured(classes)
      ? `set \`endpoint: regression\` if the labels are numbers, or correct them (their classes are ${firstNames(classes)})`
      : `lower \`folds\`, add slides, or correct the labels (their classes are ${classes.join(', ')})`,
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

function groupBags(bags: readonly LabeledBag[], { endpoint, classes }: Spread): Grouped[] {
  const units = new Map<string, Grouped & { counts: number[] }>();
  for (const bag of bags) {
    const name = unitOf(bag);
    const unit = units.get(name) ?? { name, counts: new Array<number>(classes.length).fill(0), keys: [] };
    // All slides of a patient have one follow-up or value.
    unit.counts[bag.label] = endpoint === 'classification' ? unit.counts[bag.label] + 1 : 1;
    unit.keys.push(bag.key);
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
