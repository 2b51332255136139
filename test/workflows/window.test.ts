import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream } from '../../domain/random.js';
import { Window } from '../../workflows/window.js';

interface Item {
  position: number;
  key: string;
}

const item = (position: number, key: string): Item => ({ position, key });

test('no more items run at once than allowed, in order; with a lower limit the surplus finishes', () => {
  const window = new Window([2], [item(0, 'a'), item(0, 'b'), item(0, 'c')]);
  assert.deepEqual([window.take()?.key, window.take()?.key, window.take()], ['a', 'b', undefined]);
  window.setLimit(0, 1);
  window.ended(0);
  assert.equal(window.take(), undefined);
  window.ended(0);
  assert.equal(window.take()?.key, 'c');
});

test('pause and stop let nothing start; draining lets only started items continue', () => {
  const window = new Window([1, 1], [item(0, 'a'), item(0, 'b')]);
  window.paused = true;
  assert.equal(window.take(), undefined);
  window.paused = false;
  assert.equal(window.take()?.key, 'a');
  window.draining = true;
  window.ended(0);
  window.passOn(item(1, 'a'));
  assert.ok(!window.drained);
  assert.equal(window.take()?.position, 1);
  window.ended(1);
  assert.equal(window.take(), undefined);
  assert.ok(window.drained && !window.empty && !window.hungry);
  assert.deepEqual(window.rest, [item(0, 'b')]);
  window.draining = false;
  window.stop();
  assert.equal(window.take(), undefined);
  assert.ok(window.stopped);
});

test('a stop at a later position drops what waits there; earlier positions continue', () => {
  const window = new Window([1, 1], [item(0, 'a'), item(1, 'b'), item(0, 'c')]);
  window.passOn(item(1, 'd'));
  window.stop(1);
  window.addPage([item(1, 'e'), item(0, 'f')]);
  const taken: string[] = [];
  for (let next = window.take(); next; next = window.take()) {
    taken.push(next.key);
    window.ended(next.position);
    window.passOn(item(1, next.key));
  }
  assert.deepEqual(taken, ['a', 'c', 'f']);
  assert.ok(window.empty && !window.stopped);
});

test('a slow follower slows its predecessor down before much piles up', () => {
  const window = new Window<Item>([8, 1]);
  let started = 0;
  for (let round = 0; round < 1000; round++) {
    if (window.hungry) window.addPage([item(0, `item-${round}`)]);
    for (let next = window.take(); next; next = window.take()) {
      if (next.position === 1) continue;
      started += 1;
      window.ended(0);
      window.passOn(item(1, next.key));
    }
  }
  assert.ok(started < 40, `${started} were begun`);
});

test('each item ends exactly once at each position, whatever happens', () => {
  const random = new RandomStream('window', 7);
  for (let trial = 0; trial < 200; trial++) {
    const count = 1 + random.below(30);
    const limits = [1 + random.below(4), 1 + random.below(3), 1 + random.below(2)];
    const window = new Window<Item>(limits);
    const running: { position: number; key: string }[] = [];
    const ended: string[] = [];
    for (let listed = 0; listed < count || !window.empty;) {
      if (listed < count && window.hungry) {
        const page = Math.min(count - listed, 1 + random.below(5));
        window.addPage(
          Array.from({ length: page }, (_, index) => item(random.below(3), `i${listed + index}`)),
        );
        listed += page;
      }
      for (let next = window.take(); next; next = window.take()) running.push(next);
      for (const [position, limit] of limits.entries()) assert.ok(window.running(position) <= limit);
      const [one] = running.splice(random.below(running.length), 1);
      ended.push(`${one.key}@${one.position}`);
      window.ended(one.position);
      if (one.position < 2) window.passOn(item(one.position + 1, one.key));
    }
    assert.equal(new Set(ended).size, ended.length);
    assert.equal(ended.filter((name) => name.endsWith('@2')).length, count);
  }
});
