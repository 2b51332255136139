import { undefinedBecause, type Estimate } from '../estimate.js';
import type { Numbers } from '../ranking.js';

/**
 * The grade of a regression output: floor(x + 0.5), clipped to 0 ... classes - 1. Halves go up; numpy and
 * Python round them to the even grade.
 */
export function gradeOf(output: number, classes: number): number {
  return Math.min(classes - 1, Math.max(0, Math.floor(output + 0.5)));
}

/** Mean |called grade - true grade|. */
export function meanGradeError(called: Numbers, labels: Numbers): Estimate {
  if (labels.length === 0) return undefinedBecause('there are no bags');
  let sum = 0;
  for (let i = 0; i < labels.length; i++) sum += Math.abs(called[i] - labels[i]);
  return { value: sum / labels.length };
}
