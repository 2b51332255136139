import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resamplePositions } from '../../../../../../domain/pathology/extract/encoders/vit/position-grid.js';
import { POSITION_RULES } from '../../../../../../domain/pathology/extract/encoders/vit/vit-options.js';

test('every rule keeps a constant, and the stored grid', () => {
  const constant = new Float32Array(7 * 7 * 2).map((_, i) => (i % 2 === 0 ? 3 : -5));
  const grid = new Float32Array(7 * 7 * 2).map((_, i) => Math.sin(i));
  for (const rule of POSITION_RULES) {
    for (const wanted of [1, 4, 7, 12]) {
      const result = resamplePositions(constant, { side: 7, wanted, width: 2 }, rule);
      assert.equal(result.length, wanted * wanted * 2);
      assert.ok(
        result.every((value, i) => Math.abs(value - (i % 2 === 0 ? 3 : -5)) < 1e-5),
        `${rule} ${wanted}`,
      );
    }
    assert.deepEqual(resamplePositions(grid, { side: 7, wanted: 7, width: 2 }, rule), grid);
  }
});

test('rows and columns are told apart', () => {
  const rows = Float32Array.of(0, 0, 1, 1);
  for (const rule of POSITION_RULES) {
    const result = resamplePositions(rows, { side: 2, wanted: 4, width: 1 }, rule);
    for (let row = 0; row < 4; row++) {
      const line = [...result.subarray(row * 4, row * 4 + 4)];
      assert.ok(
        line.every((value) => Math.abs(value - line[0]) < 1e-6),
        rule,
      );
    }
    assert.ok(result[0] < 0.1 && result[15] > 0.8, rule);
  }
});

/** PyTorch's `interpolate` of rows 0, 1, 4 to 5 x 5. */
const TORCH = {
  antialiased: [-0.0754717, 0.2164179, 1.0, 2.9925375, 4.2264147],
  'to-size': [-0.096, 0.1720009, 1.0000001, 2.9080005, 4.2880011],
  'by-factor': [-0.0973759, 0.1652941, 0.914964, 2.7797995, 4.2407212],
  bilinear: [0.0, 0.4, 1.0, 2.8000004, 4.0],
};

/** The same of rows 0, 1, 4, 9, 16 to 3 x 3, with antialiasing. */
const TORCH_SMALLER = [0.169231, 4.1953487, 13.3384581];

test('each rule gives the numbers of PyTorch', () => {
  const check = (side: number, rule: (typeof POSITION_RULES)[number], expected: readonly number[]): void => {
    const grid = new Float32Array(side * side).map((_, i) => (i % side) ** 2);
    const sizes = { side, wanted: expected.length, width: 1 };
    const row = resamplePositions(grid, sizes, rule).subarray(0, expected.length);
    expected.forEach((value, i) => assert.ok(Math.abs(row[i] - value) < 1e-5, `${rule}: ${[...row].join()}`));
  };
  for (const rule of POSITION_RULES) check(3, rule, TORCH[rule]);
  check(5, 'antialiased', TORCH_SMALLER);
});
