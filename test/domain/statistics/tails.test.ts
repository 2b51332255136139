import assert from 'node:assert/strict';
import { test } from 'node:test';
import { normalUpperTail } from '../../../domain/statistics/distributions.js';
import { median } from '../../../domain/statistics/median.js';
import { chiSquaredUpperTail, studentTwoSided } from '../../../domain/statistics/tails.js';

function relative(actual: number, expected: number): void {
  assert.ok(Math.abs(actual / expected - 1) < 1e-12, `${actual} is not ${expected}`);
}

test('chi-squared tails equal their closed forms, also far out', () => {
  for (const x of [0.01, 1, 3.841458820694124, 30, 300, 1300]) {
    relative(chiSquaredUpperTail(x, 1), 2 * normalUpperTail(Math.sqrt(x)));
    relative(chiSquaredUpperTail(x, 2), Math.exp(-x / 2));
    relative(chiSquaredUpperTail(x, 4), Math.exp(-x / 2) * (1 + x / 2));
  }
  assert.equal(chiSquaredUpperTail(0, 3), 1);
  assert.equal(chiSquaredUpperTail(1e5, 3), 0);
  assert.equal(chiSquaredUpperTail(Infinity, 1), 0);
});

test("Student's tails equal their closed forms, also far out", () => {
  for (const t of [0.01, 1, 2.5, 40, 1e6]) {
    relative(studentTwoSided(t, 1), (2 * Math.atan(1 / t)) / Math.PI);
    const root = Math.sqrt(2 + t * t);
    relative(studentTwoSided(t, 2), 2 / (root * (root + t)));
    assert.equal(studentTwoSided(-t, 3), studentTwoSided(t, 3));
  }
  assert.equal(studentTwoSided(0, 5), 1);
  assert.equal(studentTwoSided(Infinity, 5), 0);
});

test('the median of an even number of values is the mean of the two middle ones', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.ok(Number.isNaN(median([])));
});
