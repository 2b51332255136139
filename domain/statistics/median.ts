import { ascendingOrder, type Numbers } from './ranking.js';

/** Median: the mean of the two middle values if their number is even. NaN without values. */
export function median(values: Numbers): number {
  if (values.length === 0) return NaN;
  const order = ascendingOrder(values);
  const upper = Math.floor(values.length / 2);
  const high = values[order[upper]];
  return values.length % 2 === 1 ? high : (values[order[upper - 1]] + high) / 2;
}
