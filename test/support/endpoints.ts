import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Estimate } from '../../domain/statistics/estimate.js';
import { fixture } from './fixtures.js';

/** Reads numbers of test/fixtures/endpoints. */
export function endpointOracle(name: string): unknown {
  return JSON.parse(readFileSync(fixture('endpoints', `${name}.json`), 'utf8'));
}

/** Asserts |actual - expected| <= absolute + relative x |expected|; null must be null, with a reason. */
export function near(
  actual: number | null | Estimate,
  expected: number | null,
  what: string,
  { absolute = 1e-9, relative = 0 } = {},
): void {
  const value = typeof actual === 'object' && actual !== null ? actual.value : actual;
  if (expected === null || value === null) {
    assert.equal(value, expected, what);
    if (typeof actual === 'object' && actual !== null && actual.value === null) assert.ok(actual.why, what);
    return;
  }
  const off = Math.abs(value - expected);
  assert.ok(off <= absolute + relative * Math.abs(expected), `${what}: ${value} is not ${expected} (${off})`);
}

export function nearAll(
  actual: ArrayLike<number | null | Estimate>,
  expected: readonly (number | null)[],
  what: string,
  tolerance?: Parameters<typeof near>[3],
): void {
  assert.equal(actual.length, expected.length, `${what}: length`);
  expected.forEach((value, i) => near(actual[i], value, `${what}[${i}]`, tolerance));
}

/** P values agree relatively, because small ones matter. */
export function nearP(actual: number | null | Estimate, expected: number | null, what: string): void {
  near(actual, expected, what, { absolute: 0, relative: 1e-6 });
}
