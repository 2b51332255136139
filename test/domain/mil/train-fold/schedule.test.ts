import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  afterScore,
  shouldStop,
  type EarlyStoppingState,
} from '../../../../domain/mil/train-fold/early-stopping.js';
import { learningRate } from '../../../../domain/mil/train-fold/scheduler.js';

test('the cosine starts at the base rate and reaches 0 after the last epoch, as in PyTorch', () => {
  const rates = [0, 1, 50, 100, 199].map((epoch) => learningRate('cosine', 2e-4, epoch, 200));
  // torch.optim.lr_scheduler.CosineAnnealingLR(optimiser at 2e-4, T_max=200), after as many steps.
  const expected = [2e-4, 1.9998766324816606e-4, 1.7071067811865476e-4, 1e-4, 1.2336751833941229e-8];
  rates.forEach((rate, i) => assert.ok(Math.abs(rate - expected[i]) < 1e-15, `${rate}, ${expected[i]}`));
  assert.ok(learningRate('cosine', 1, 200, 200) < 1e-15);
});

test('step multiplies the rate by 0.2 after half of the epochs, and constant keeps it', () => {
  const close = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12);
  close(learningRate('step', 1, 99, 200), 1);
  close(learningRate('step', 1, 100, 200), 0.2);
  close(learningRate('step', 1, 0, 1), 1);
  // An odd number of epochs also has one drop.
  [1, 1, 1, 0.2, 0.2].forEach((rate, epoch) => close(learningRate('step', 1, epoch, 5), rate));
  close(learningRate('constant', 0.3, 150, 200), 0.3);
});

test('early stopping counts epochs below the best, ties reset the count, and it waits for stop-epoch', () => {
  const rule = { patience: 2, stopEpoch: 3 };
  let state: EarlyStoppingState = { counter: 0 };
  const counters = [0.8, 0.7, 0.8, 0.6, 0.5, 0.9, 0.1].map(
    (score) => (state = afterScore(state, score)).counter,
  );
  assert.deepEqual(counters, [0, 1, 0, 1, 2, 0, 1]);
  assert.equal(state.best, 0.9);
  assert.equal(shouldStop({ best: 1, counter: 2 }, 3, rule), false);
  assert.equal(shouldStop({ best: 1, counter: 2 }, 4, rule), true);
  assert.equal(shouldStop({ best: 1, counter: 1 }, 9, rule), false);
});
