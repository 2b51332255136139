import assert from 'node:assert/strict';
import { test } from 'node:test';
import { coxLoss } from '../../../../domain/mil/targets/cox-loss.js';
import { hazardLoss } from '../../../../domain/mil/targets/hazard-loss.js';
import { regressionLoss, type RegressionLoss } from '../../../../domain/mil/targets/regression-loss.js';
import { RandomStream } from '../../../../domain/random.js';
import { nearAll } from '../../../support/endpoints.js';

type Loss = (values: Float64Array, gradient: Float64Array) => number;

/** Compares the analytic gradient with central differences. */
function matchesDifferences(values: Float64Array, loss: Loss): void {
  const gradient = new Float64Array(values.length);
  loss(values, gradient);
  const step = 1e-5;
  const differences = Array.from(values, (value, i) => {
    const at = (moved: number) => loss(values.with(i, moved), new Float64Array(values.length));
    return (at(value + step) - at(value - step)) / (2 * step);
  });
  nearAll(gradient, differences, 'gradient', { absolute: 1e-8, relative: 1e-6 });
}

function normals(random: RandomStream, count: number, scale = 2): Float64Array {
  return Float64Array.from({ length: count }, () => scale * random.normal());
}

test('gradients of the hazard likelihood equal finite differences for any number of bins and alpha', () => {
  const random = new RandomStream('hazard-gradients');
  for (const [bags, width, alpha] of [
    [1, 1, 0],
    [7, 4, 0.15],
    [5, 9, 0.4],
    [3, 2, 1],
  ]) {
    const bins = Array.from({ length: bags }, () => random.below(width));
    const censored = bins.map(() => random.below(2));
    matchesDifferences(normals(random, bags * width), (z, g) => hazardLoss(z, { bins, censored }, alpha, g));
  }
});

test('gradients of the Cox likelihood equal finite differences with tied times', () => {
  const random = new RandomStream('cox-gradients');
  for (const ties of ['efron', 'breslow'] as const) {
    for (const distinct of [1, 4, 1000]) {
      const times = Array.from({ length: 23 }, () => random.below(distinct));
      const events = times.map((_, i) => (i === 0 ? 1 : random.below(2)));
      matchesDifferences(normals(random, 23), (z, g) => coxLoss(z, { times, events }, ties, g));
    }
  }
});

test('gradients of regression losses equal finite differences away from their corners', () => {
  const random = new RandomStream('regression-gradients');
  const forms: RegressionLoss[] = [
    { name: 'mse' },
    { name: 'l1' },
    { name: 'huber', delta: 0.7 },
    { name: 'smooth-l1', beta: 0.7 },
  ];
  const targets = normals(random, 30);
  for (const form of forms) {
    matchesDifferences(normals(random, 30), (p, g) => regressionLoss(p, targets, form, g));
  }
});

test('the order of the bags and the unit of time do not change the Cox likelihood', () => {
  const random = new RandomStream('cox-order');
  const times = Array.from({ length: 40 }, () => random.below(12));
  const events = times.map(() => random.below(2));
  const logits = normals(random, 40);
  const gradient = new Float64Array(40);
  const loss = coxLoss(logits, { times, events }, 'efron', gradient);
  const turned = new Float64Array(40);
  const inDays = times.map((time) => time * 30.4375).reverse();
  const other = coxLoss(logits.toReversed(), { times: inDays, events: events.toReversed() }, 'efron', turned);
  nearAll([other], [loss], 'loss', { absolute: 1e-12 });
  nearAll(turned.toReversed(), [...gradient], 'gradient', { absolute: 1e-12 });
});

test('logits far apart or far from 0 keep the Cox likelihood finite', () => {
  for (const shift of [-1e4, 0, 1e4]) {
    const logits = Float32Array.of(-500 + shift, 500 + shift, shift, 300 + shift);
    const followUp = { times: [1, 2, 3, 3], events: [1, 1, 1, 1] };
    const gradient = new Float32Array(4);
    assert.ok(Number.isFinite(coxLoss(logits, followUp, 'efron', gradient)));
    assert.ok(gradient.every(Number.isFinite));
    // The likelihood does not depend on the shift, so its gradients add up to 0.
    nearAll([gradient.reduce((sum, value) => sum + value, 0)], [0], 'sum', { absolute: 1e-6 });
  }
});

test('a batch without events, of one bag or without bags gives the Cox head nothing to learn', () => {
  for (const [times, events] of [
    [
      [3, 1],
      [0, 0],
    ],
    [[3], [1]],
    [[], []],
  ]) {
    const gradient = new Float64Array(times.length).fill(7);
    assert.equal(coxLoss(new Float64Array(times.length).fill(0.5), { times, events }, 'efron', gradient), 0);
    assert.deepEqual([...gradient], new Array(times.length).fill(0));
  }
});

test('an empty batch has loss 0', () => {
  const none = new Float64Array(0);
  assert.equal(hazardLoss(none, { bins: [], censored: [] }, 0, none), 0);
  assert.equal(regressionLoss(none, none, { name: 'mse' }, none), 0);
});
