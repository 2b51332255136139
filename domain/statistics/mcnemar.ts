/**
 * Two-sided exact McNemar test of paired outcomes: the binomial test of the discordant pairs with probability
 * 1/2. Valid for few pairs too.
 * @param onlyFirst pairs in which only the first outcome is a success
 * @param onlySecond pairs in which only the second one is
 * @returns the p value; 1 without discordant pairs
 * Source: McNemar, Psychometrika 12 (1947) 153, in the exact form.
 */
export function mcnemarExact(onlyFirst: number, onlySecond: number): number {
  const pairs = onlyFirst + onlySecond;
  let term = -pairs * Math.LN2;
  let tail = 0;
  // Logarithms: 2^-pairs alone is 0 beyond 1074 pairs.
  for (let k = 0; k <= Math.min(onlyFirst, onlySecond); k++) {
    if (k > 0) term += Math.log(pairs - k + 1) - Math.log(k);
    tail += Math.exp(term);
  }
  return Math.min(1, 2 * tail);
}
