/**
 * Corrects p values for the number of tests by the step-down method of Holm (1979), which bounds the
 * probability of any false rejection without assumptions about the dependence of the tests.
 * @param values p values, 0 to 1
 * @returns corrected values in the same order, at most 1
 */
export function holm(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b] || a - b);
  const corrected = new Array<number>(values.length);
  let largest = 0;
  for (const [rank, index] of order.entries()) {
    largest = Math.max(largest, Math.min(1, (values.length - rank) * values[index]));
    corrected[index] = largest;
  }
  return corrected;
}
