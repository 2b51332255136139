import { compiled, igamc, incbet } from 'cephes';

// The functions exist once the library has compiled its WebAssembly, which takes about 20 ms.
await compiled;

/**
 * P(X > x) of a chi-squared distribution: the regularized upper incomplete gamma function Q(df / 2, x / 2),
 * so that small values keep their digits. 0 below the smallest double.
 */
export function chiSquaredUpperTail(x: number, degrees: number): number {
  if (x <= 0) return 1;
  if (x === Infinity) return 0;
  try {
    return igamc(degrees / 2, x / 2);
  } catch (error) {
    if (error instanceof Error && error.message.includes('underflow')) return 0;
    throw error;
  }
}

/**
 * P(|T| > |t|) of Student's t distribution: the regularized incomplete beta function I(df / (df + t^2);
 * df / 2, 1 / 2).
 */
export function studentTwoSided(t: number, degrees: number): number {
  return incbet(degrees / 2, 0.5, degrees / (degrees + t * t));
}
