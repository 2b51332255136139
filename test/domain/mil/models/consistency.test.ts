import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaClasses, consistency } from '../../../../domain/mil/models/consistency.js';
import { RandomStream } from '../../../../domain/random.js';

/** The definition over all pairs. */
function byPairs(attention: Float64Array, classes: Int32Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < classes.length; i++) {
    const members = [...classes.keys()].filter((j) => classes[j] === classes[i]);
    if (classes[i] < 0 || members.length < 2) continue;
    sum += Math.sqrt(members.reduce((square, j) => square + (attention[i] - attention[j]) ** 2, 0));
    count++;
  }
  return count === 0 ? 0 : sum / count;
}

function example(n: number, groups: number): { attention: Float64Array; classes: Int32Array } {
  const stream = new RandomStream('consistency', n);
  return {
    attention: Float64Array.from({ length: n }, () => stream.uniform() / n),
    classes: Int32Array.from({ length: n }, () => stream.below(groups + 1) - 1),
  };
}

test('equals the definition over all pairs', () => {
  const { attention, classes } = example(200, 7);
  const { loss } = consistency(attention, classes);
  assert.ok(Math.abs(loss - byPairs(attention, classes)) < 1e-15);
});

test('its gradient equals finite differences', () => {
  const { attention, classes } = example(60, 5);
  const { gradient } = consistency(attention, classes);
  const step = 1e-7;
  for (let i = 0; i < attention.length; i++) {
    const at = (delta: number) => {
      const moved = attention.slice();
      moved[i] += delta;
      return consistency(moved, classes).loss;
    };
    const slope = (at(step) - at(-step)) / (2 * step);
    assert.ok(Math.abs(gradient[i] - slope) < 1e-5 * (1 + Math.abs(slope)), `${i}: ${gradient[i]}, ${slope}`);
  }
});

test('equal attention and classes with one member give zeros, never NaN', () => {
  const equal = consistency(new Float64Array(4).fill(0.25), Int32Array.of(0, 0, 1, 1));
  assert.equal(equal.loss, 0);
  assert.deepEqual([...equal.gradient], [0, 0, 0, 0]);
  assert.equal(consistency(Float64Array.of(0.1, 0.9), Int32Array.of(0, 1)).loss, 0);
  assert.equal(consistency(new Float64Array(0), new Int32Array(0)).loss, 0);
});

test('100,000 instances in 300 classes: equals the definition over all pairs within 1e-4', () => {
  const { attention, classes } = example(100_000, 300);
  const members = Array.from({ length: 300 }, (): number[] => []);
  classes.forEach((group, i) => group >= 0 && members[group].push(attention[i]));
  let sum = 0;
  for (const values of members) {
    for (const value of values) {
      let square = 0;
      for (const other of values) square += (value - other) * (value - other);
      sum += Math.sqrt(square);
    }
  }
  const expected = sum / members.reduce((count, values) => count + values.length, 0);
  for (const given of [attention, Float32Array.from(attention)]) {
    const { loss } = consistency(given, classes);
    assert.ok(Math.abs(loss - expected) <= 1e-4 * expected, `${loss}, expected ${expected}`);
  }
});

test('time grows with n, not with its square: 100,000 instances in 300 classes', () => {
  const { attention, classes } = example(100_000, 300);
  consistency(attention, classes);
  const start = performance.now();
  const { loss } = consistency(attention, classes);
  assert.ok(performance.now() - start < 500, 'the pairs would be 3.3 thousand million');
  assert.ok(loss > 0);
});

test('group rows and patches outside all masks can be excluded', () => {
  const area = Float32Array.of(0, 1, 700, 700, 1, 0);
  assert.deepEqual([...areaClasses(area, 'all')], [0, 1, 2, 2, 1, 0]);
  assert.deepEqual([...areaClasses(area, 'patches')], [-1, 0, 1, 1, 0, -1]);
  assert.deepEqual([...areaClasses(area, 'masks')], [-1, -1, 0, 0, -1, -1]);
});
