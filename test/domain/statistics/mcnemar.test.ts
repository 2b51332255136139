import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mcnemarExact } from '../../../domain/statistics/mcnemar.js';

/**
 * Discordant pairs and the p value of `statsmodels.stats.contingency_tables.mcnemar(..., exact=True)`,
 * statsmodels 0.15.0 with SciPy 1.17.1.
 */
const PUBLISHED: [number, number, number][] = [
  [0, 0, 1],
  [1, 0, 1],
  [0, 6, 0.03125],
  [5, 5, 1],
  [12, 3, 0.03515625],
  [59, 6, 4.964650327128616e-12],
  [121, 59, 4.4344492637551645e-6],
  [700, 640, 0.10697992524490962],
  [2000, 1800, 0.0012427867782632013],
];

test('the exact McNemar test gives the p values of statsmodels, in either order', () => {
  for (const [first, second, p] of PUBLISHED) {
    for (const found of [mcnemarExact(first, second), mcnemarExact(second, first)])
      assert.ok(Math.abs(found - p) <= 1e-10 * p, `${first}, ${second}: ${found}, not ${p}`);
  }
});
