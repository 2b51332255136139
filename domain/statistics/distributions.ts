/** The 97.5 % quantile of the standard normal distribution. */
export const Z975 = 1.959963984540054;

/**
 * Upper tail of the standard normal distribution, P(Z > z), with a relative error of about 1e-14. Uses a
 * power series near 0 and a continued fraction (Abramowitz and Stegun 26.2.14) for z >= 3, which keeps small
 * tails precise.
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
