import { SamMilError } from '../../errors.js';
import type { Numbers } from '../ranking.js';

/** Probabilities of several classes with the true class of each row. */
export interface ClassScores {
  /** One row of `classes` numbers per bag. */
  probabilities: readonly Numbers[];
  /** Class index per bag. */
  labels: Numbers;
  classes: number;
}

/**
 * Checks probabilities and labels.
 * @throws SamMilError CountMismatch (rows and labels differ in number), InvalidInput (a row that has not one
 *   finite number per class, a label that is not a class)
 */
export function checkClassScores({ probabilities, labels, classes }: ClassScores): void {
  if (probabilities.length !== labels.length) {
    throw new SamMilError('CountMismatch', 'probabilities and labels must have the same length', {
      expected: `${labels.length} rows, one per label`,
      found: `${probabilities.length}`,
    });
  }
  for (const [i, row] of probabilities.entries()) {
    if (row.length !== classes || !Array.from(row).every(Number.isFinite)) {
      throw new SamMilError('InvalidInput', `row ${i} cannot be scored`, {
        expected: `${classes} finite probabilities`,
        found: Array.from(row).join(', '),
      });
    }
    checkClass(labels[i], classes, i);
  }
}

/** @throws SamMilError InvalidInput */
export function checkClass(value: number, classes: number, row: number): void {
  if (Number.isInteger(value) && value >= 0 && value < classes) return;
  throw new SamMilError('InvalidInput', `row ${row} has no valid class`, {
    expected: `a class from 0 to ${classes - 1}`,
    found: `${value}`,
  });
}

/** The most probable class; of equal ones the lowest. */
export function mostProbable(row: Numbers): number {
  let best = 0;
  for (let k = 1; k < row.length; k++) if (row[k] > row[best]) best = k;
  return best;
}

/** The class's probability in each row. */
export function column(probabilities: readonly Numbers[], chosen: number): Float64Array {
  return Float64Array.from(probabilities, (row) => row[chosen]);
}

/** 1 where the label is the class, else 0. */
export function oneVersusRest(labels: Numbers, chosen: number): Uint8Array {
  return Uint8Array.from(labels, (label) => (label === chosen ? 1 : 0));
}

/** Number of rows of each class. */
export function supportOf(labels: Numbers, classes: number): number[] {
  const support = new Array<number>(classes).fill(0);
  for (let i = 0; i < labels.length; i++) support[labels[i]]++;
  return support;
}
