import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addCounts,
  addItem,
  countEnded,
  countMade,
  COUNTERS,
  pickCounts,
  showCounts,
  showEnded,
  zeroCounts,
} from '../../../../domain/engine/item/counts.js';
import { addToTally, newTally } from '../../../../domain/engine/item/tally.js';

const ended = [
  { status: 'done', cached: false },
  { status: 'done', cached: true },
  { status: 'done', cached: false, idle: true },
  { status: 'skipped', cached: true },
  { status: 'failed', cached: false },
] as const;

test('unchanged and idle items count as done; a skipped item never counts as unchanged', () => {
  const counts = zeroCounts(6);
  for (const item of ended) addItem(counts, item);
  assert.deepEqual(counts, { total: 6, done: 3, cached: 1, idle: 1, skipped: 1, failed: 1, running: 0 });
  assert.deepEqual([countEnded(counts), countMade(counts)], [5, 1]);
});

test('counts of two pages add up to those of all items', () => {
  const [first, second, both] = [zeroCounts(3), zeroCounts(2), zeroCounts(5)];
  ended.slice(0, 3).forEach((item) => addItem(first, item));
  ended.slice(3).forEach((item) => addItem(second, item));
  ended.forEach((item) => addItem(both, item));
  assert.deepEqual(addCounts([first, second]), both);
});

test('pickCounts returns the counters, except for the omitted one', () => {
  const stage = { ...zeroCounts(2), name: 'patch', failures: [] };
  assert.deepEqual(Object.keys(pickCounts(stage)), COUNTERS);
  assert.deepEqual(
    Object.keys(pickCounts(stage, 'idle')),
    COUNTERS.filter((name) => name !== 'idle'),
  );
});

test('counters that are zero are not shown', () => {
  const counts = { ...zeroCounts(9), done: 4, cached: 3, failed: 1, running: 2 };
  assert.equal(showEnded(counts), '5/9');
  assert.deepEqual(showCounts(counts), [
    ['cached', '3 unchanged'],
    ['failed', '1 failed'],
    ['running', '2 running'],
  ]);
});

test('a tally counts every failure and keeps the first five', () => {
  const tally = newTally(7);
  const error = { code: 'CorruptSlide', what: 'is cut off', facts: { found: '12 bytes' } };
  for (let i = 0; i < 7; i++) {
    addToTally(tally, 'patch', {
      key: `s${i}`,
      status: 'failed',
      cached: false,
      error,
      step: 'a',
    });
  }
  assert.equal(tally.counts.failed, 7);
  assert.deepEqual(
    tally.failures.map(({ key }) => key),
    ['s0', 's1', 's2', 's3', 's4'],
  );
  assert.deepEqual(tally.failures[0], {
    stage: 'patch',
    key: 's0',
    step: 'a',
    error,
  });
});
