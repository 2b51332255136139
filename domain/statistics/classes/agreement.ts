import { undefinedBecause, type Estimate } from '../estimate.js';

type Matrix = readonly (readonly number[])[];

/**
 * Cohen's (1960) kappa: 1 - observed / expected disagreement, expected = row sum x column sum / n. Undefined
 * if no disagreement is expected, because both sides have the same single class.
 * @param matrix matrix[true][called]: number of bags, over all classes
 */
export function kappa(matrix: Matrix): Estimate {
  return weightedKappa(matrix, (i, j) => (i === j ? 0 : 1));
}

/**
 * Kappa with quadratic weights (Cohen 1968) for ordered classes: disagreement (i - j)^2 over all grades, also
 * those that never occur, so that distances are those of the grades.
 */
export function quadraticKappa(matrix: Matrix): Estimate {
  return weightedKappa(matrix, (i, j) => (i - j) ** 2);
}

function weightedKappa(matrix: Matrix, weight: (i: number, j: number) => number): Estimate {
  const { rows, columns, total } = margins(matrix);
  if (total === 0) return undefinedBecause('there are no bags');
  let [observed, expected] = [0, 0];
  for (let i = 0; i < rows.length; i++) {
    for (let j = 0; j < rows.length; j++) {
      observed += weight(i, j) * matrix[i][j];
      expected += (weight(i, j) * rows[i] * columns[j]) / total;
    }
  }
  if (expected === 0) return undefinedBecause('labels and calls have the same single class');
  return { value: 1 - observed / expected };
}

/**
 * Matthews correlation of several classes (Gorodkin's R_K, 2004); 0 if the labels or the calls are all of one
 * class, by convention.
 * @param matrix matrix[true][called]: number of bags
 */
export function matthewsCorrelation(matrix: Matrix): Estimate {
  const { rows, columns, total } = margins(matrix);
  if (total === 0) return undefinedBecause('there are no bags');
  const right = matrix.reduce((sum, row, k) => sum + row[k], 0);
  const product = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, k) => sum + value * b[k], 0);
  const spread = (total ** 2 - product(rows, rows)) * (total ** 2 - product(columns, columns));
  if (spread === 0) return { value: 0 };
  return { value: (right * total - product(rows, columns)) / Math.sqrt(spread) };
}

function margins(matrix: Matrix): { rows: number[]; columns: number[]; total: number } {
  const rows = matrix.map((row) => row.reduce((sum, count) => sum + count, 0));
  const columns = matrix.map((_, k) => matrix.reduce((sum, row) => sum + row[k], 0));
  return { rows, columns, total: rows.reduce((sum, count) => sum + count, 0) };
}
