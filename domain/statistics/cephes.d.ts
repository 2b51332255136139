// The types of the package cannot be found from its `exports`; these are of the functions in use.
declare module 'cephes' {
  /** Fulfilled once the functions can be called. */
  export const compiled: Promise<void>;
  /** Regularized upper incomplete gamma function. Throws if the result is below the smallest double. */
  export function igamc(a: number, x: number): number;
  /** Regularized incomplete beta function. */
  export function incbet(a: number, b: number, x: number): number;
}
