/** The 97.5 % quantile of the standard normal distribution. */
export const Z975 = 1.959963984540054;

/**
 * Upper tail of the standard normal distribution, P(Z > z), to about 1e-14 relative.
 * Power series near 0, continued fraction (Abramowitz and Stegun 26.2.14) from 3 on, so that small tails keep their digits.
 */
export function normalUpperTail(z: number): number {
  if (z < 0) return 1 - normalUpperTail(-z);
  const density = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI);
  if (z < 3) {
    let [term, sum] = [z, z];
    for (let k = 1; Math.abs(term) > 1e-17 * Math.abs(sum); k++) sum += term *= (z * z) / (2 * k + 1);
    return 0.5 - density * sum;
  }
  let fraction = 0;
  for (let k = 200; k > 0; k--) fraction = k / (z + fraction);
  return density / (z + fraction);
}

/**
 * Two-sided 95 % quantile of Student's t with `df` degrees of freedom (t such that P(|T| > t) = 0.05), by bisection of the distribution.
 * @param df integer, at least 1
 */
export function studentT975(df: number): number {
  let [low, high] = [0, 1];
  while (studentTwoTail(high, df) > 0.05) high *= 2;
  for (let i = 0; i < 200 && low < high; i++) {
    const middle = (low + high) / 2;
    if (middle === low || middle === high) break;
    if (studentTwoTail(middle, df) > 0.05) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(|T| > t) for integer degrees of freedom: the finite sums of Abramowitz and Stegun 26.7.3 and 26.7.4. */
function studentTwoTail(t: number, df: number): number {
  const angle = Math.atan2(t, Math.sqrt(df));
  const [sin, cos2] = [Math.sin(angle), Math.cos(angle) ** 2];
  const odd = df % 2 === 1;
  let term = odd ? Math.cos(angle) : 1;
  let sum = df === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k < df; k += 2) {
    term *= ((k - 1) / k) * cos2;
    sum += term;
  }
  return 1 - (odd ? (2 / Math.PI) * (angle + sin * sum) : sin * sum);
}
