import { undefinedBecause, type Estimate } from '../estimate.js';
import { midranks, type Numbers } from '../ranking.js';
import { studentTwoSided } from '../tails.js';

export interface Correlation {
  /** -1 to 1. */
  r: Estimate;
  /** Two-sided, from t = r sqrt((n - 2) / (1 - r^2)) with n - 2 degrees of freedom. */
  p: Estimate;
}

/** Pearson's correlation; undefined for fewer than two rows or if one side is constant. */
export function pearson(a: Numbers, b: Numbers): Correlation {
  const n = a.length;
  const why = n < 2 ? 'fewer than two bags' : whyConstant(a, b);
  if (why !== undefined) return { r: undefinedBecause(why), p: undefinedBecause(why) };
  const [x, y] = [centered(a), centered(b)];
  const product = dot(x, y) / Math.sqrt(dot(x, x)) / Math.sqrt(dot(y, y));
  const r = Math.min(1, Math.max(-1, product));
  if (n < 3) return { r: { value: r }, p: undefinedBecause('fewer than three bags') };
  const t = r * Math.sqrt((n - 2) / ((1 - r) * (1 + r)));
  return { r: { value: r }, p: { value: Math.abs(r) === 1 ? 0 : studentTwoSided(t, n - 2) } };
}

/** Spearman's correlation: Pearson's of the ranks, tied values sharing their mean rank. */
export function spearman(a: Numbers, b: Numbers): Correlation {
  return pearson(midranks(a), midranks(b));
}

/** Rounding of the mean would give a constant a tiny variance. */
function whyConstant(a: Numbers, b: Numbers): string | undefined {
  const constant = (values: Numbers) => Array.from(values).every((value) => value === values[0]);
  if (constant(a)) return 'the predictions are constant';
  return constant(b) ? 'the targets are constant' : undefined;
}

function centered(values: Numbers): Float64Array {
  const copy = Float64Array.from(values);
  const mean = copy.reduce((sum, value) => sum + value, 0) / copy.length;
  return copy.map((value) => value - mean);
}

function dot(x: Float64Array, y: Float64Array): number {
  return x.reduce((sum, value, i) => sum + value * y[i], 0);
}
