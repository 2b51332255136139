import { undefinedBecause, type Estimate } from '../estimate.js';

/**
 * Rates of one class, 0 where they are 0 / 0 as in scikit-learn: the recall of a class without bags
 * (`support` 0) and the precision of a class that is never called (`called` 0).
 */
export interface ClassRate {
  /** Bags of the class. */
  support: number;
  /** Bags that are called the class. */
  called: number;
  precision: number;
  recall: number;
  f1: number;
}

/** Means of the rates over some classes; undefined without bags. */
export interface MeanRates {
  precision: Estimate;
  recall: Estimate;
  f1: Estimate;
}

/** What a confusion matrix says about several classes. */
export interface ClassRates {
  perClass: ClassRate[];
  accuracy: Estimate;
  /** Mean recall of the classes that have bags. */
  balancedAccuracy: Estimate;
  /** Means over the classes that have bags or are called, as in scikit-learn without `labels`. */
  macro: MeanRates;
  /** Means over the classes, weighted by their bags. */
  weighted: MeanRates;
}

const NO_BAGS = 'there are no bags';

/** @param matrix matrix[true][called]: number of bags */
export function classRates(matrix: readonly (readonly number[])[]): ClassRates {
  const perClass = matrix.map((row, k) => {
    const support = sum(row);
    const called = sum(matrix.map((other) => other[k]));
    return {
      support,
      called,
      precision: ratio(row[k], called),
      recall: ratio(row[k], support),
      f1: ratio(2 * row[k], support + called),
    };
  });
  const total = sum(perClass.map(({ support }) => support));
  const right = sum(matrix.map((row, k) => row[k]));
  const seen = perClass.filter(({ support, called }) => support + called > 0);
  const withBags = perClass.filter(({ support }) => support > 0);
  return {
    perClass,
    accuracy: total === 0 ? undefinedBecause(NO_BAGS) : { value: right / total },
    balancedAccuracy: mean(withBags, 'recall', () => 1),
    macro: means(seen, () => 1),
    weighted: means(withBags, ({ support }) => support),
  };
}

function means(rates: readonly ClassRate[], weight: (rate: ClassRate) => number): MeanRates {
  const of = (name: keyof MeanRates) => mean(rates, name, weight);
  return { precision: of('precision'), recall: of('recall'), f1: of('f1') };
}

function mean(
  rates: readonly ClassRate[],
  name: keyof MeanRates,
  weight: (rate: ClassRate) => number,
): Estimate {
  if (rates.length === 0) return undefinedBecause(NO_BAGS);
  return { value: sum(rates.map((rate) => weight(rate) * rate[name])) / sum(rates.map(weight)) };
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
