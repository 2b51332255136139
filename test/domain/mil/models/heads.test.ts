import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { placedBag, type Bag } from '../../../../domain/mil/bags/bag.js';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import { initialWeights, type HostWeights, type Weights } from '../../../../domain/mil/compute/parameters.js';
import type { Model } from '../../../../domain/mil/models/model.js';
import { modelEntry, modelNames, resolveOptions } from '../../../../domain/mil/models/registry.js';
import { outputsOf, type Outcome } from '../../../../domain/mil/targets/target.js';
import { openAdam, startingState, type Adam } from '../../../../domain/mil/train-fold/adam.js';
import { RandomStream } from '../../../../domain/random.js';
import { trainWindow, windowLosses, type Head, type WindowBag } from '../../../support/train-window.js';
import { inferOracle, oracleConfig, toDevice } from '../oracle.js';

const HEADS: Readonly<Record<string, Head>> = {
  hazard: {
    target: { endpoint: 'survival', head: 'hazard', time: 'months', edges: [2, 4, 9] },
    loss: { name: 'hazard', alpha: 0.3 },
  },
  cox: {
    target: { endpoint: 'survival', head: 'cox', time: 'months' },
    loss: { name: 'cox', ties: 'efron' },
  },
  mse: { target: { endpoint: 'regression', value: 'score' }, loss: { name: 'mse' } },
  huber: { target: { endpoint: 'regression', value: 'score' }, loss: { name: 'huber', delta: 0.4 } },
  l1: { target: { endpoint: 'regression', value: 'score' }, loss: { name: 'l1' } },
};

/** The models, with the options that change what they do with the outputs. */
const VARIANTS: readonly [string, Record<string, unknown>][] = [
  ...modelNames().map((name): [string, Record<string, unknown>] => [name, {}]),
  ['dtfd-mil', { distill: 'MaxS' }],
  ['dtfd-mil', { distill: 'MaxMinS' }],
  ['mhim-mil', { baseline: 'dsmil' }],
  ['sam-mil', { baseline: 'dsmil' }],
  ['sam-mil', { mode: 'release' }],
];

const FOLLOW_UP: readonly [number, 0 | 1][] = [
  [5, 1],
  [3, 0],
  [3, 1],
  [11, 1],
];

function outcomeOf({ target }: Head, i: number): Outcome {
  const [time, event] = FOLLOW_UP[i];
  return target.endpoint === 'survival'
    ? { endpoint: 'survival', time, event }
    : { endpoint: 'regression', value: time / 3 - 2 };
}

function randomBag(rows: number, name: string): Bag {
  const stream = new RandomStream('bag', name, rows);
  const area = Float32Array.from({ length: rows }, (_, i) =>
    rows > 3 && i === rows - 1 ? 0 : [1, 700, 9000, 9000][i % 4],
  );
  const host = Float32Array.from({ length: rows * 32 }, () => stream.normal());
  return placedBag({
    x: tf.tensor2d(host, [rows, 32]),
    rows,
    area,
    isGroup: Uint8Array.from(area, (value) => (value === 0 ? 1 : 0)),
    coords: Int32Array.from({ length: 2 * rows }, (_, i) => 256 * (i >> 1)),
  });
}

function windowOf(head: Head, sizes: readonly number[], teacher: Weights | undefined): WindowBag[] {
  return sizes.map((rows, i) => ({
    bag: randomBag(rows, 'heads'),
    outcome: outcomeOf(head, i),
    around: {
      step: i,
      totalSteps: 100,
      stream: (purpose) => new RandomStream('step', i, purpose),
      report: () => undefined,
      ...(teacher && { teacher }),
    },
  }));
}

/** The loss that a step with these bags minimizes. */
function meanLoss(model: Model, weights: Weights, bags: readonly WindowBag[], head: Head): number {
  const losses = windowLosses(model, weights, bags, head);
  assert.ok(losses);
  const values = bags.map(({ bag, around }, i) =>
    tf.tidy(() => model.loss(weights, bag, { ...around, ...losses[i] }).dataSync()[0]),
  );
  return values.reduce((sum, value) => sum + value) / bags.length;
}

/** The gradients of a step are ten times its first moments without weight decay. */
function gradientsOf(adam: Adam): HostWeights {
  const { first, steps } = adam.state();
  return Object.fromEntries(
    Object.entries(first)
      .filter(([key]) => steps[key] > 0)
      .map(([key, values]) => [key, values.map((value) => 10 * value)]),
  );
}

async function build(name: string, given: Record<string, unknown>, { target }: Head) {
  // Detached or clipped gradients intentionally differ from those of the loss.
  const exact = name === 'dtfd-mil' ? { detach: false, clip: 1e9 } : {};
  const { endpoint } = target;
  const config = { ...oracleConfig(name, resolveOptions(name, { ...given, ...exact })), dropout: 0.25 };
  const model = (await modelEntry(name).load())({ ...config, outputs: outputsOf(target), endpoint });
  const stream = new RandomStream('perturbed', name);
  const drawn = Object.entries(initialWeights(model.parameters, 'heads', name));
  const weights = Object.fromEntries(
    drawn.map(([key, values]) => [key, values.map((value) => value + 0.05 * stream.normal())]),
  );
  return { model, weights };
}

/** Compares the slope along the gradient of every parameter at once with differences of the loss. */
function checkSlope(
  gradients: HostWeights,
  lossAt: (moved: (key: string, i: number) => number) => number,
): void {
  const norms = Object.fromEntries(
    Object.entries(gradients).map(([key, values]) => [key, Math.hypot(...values)]),
  );
  const moved = Object.keys(gradients).filter((key) => norms[key] > 1e-4);
  const slope = moved.reduce((sum, key) => sum + norms[key], 0);
  const direction = (key: string, i: number) => (moved.includes(key) ? gradients[key][i] / norms[key] : 0);
  // A kink or a change of selected instances may be within one distance; rounding affects the smallest.
  const errors: number[] = [];
  const close = [3e-3, 1e-3, 1e-2, 3e-4, 1e-4].some((distance) => {
    const at = (sign: number) => lossAt((key, i) => sign * distance * direction(key, i));
    const error = Math.abs((at(1) - at(-1)) / (2 * distance) - slope) / slope;
    return errors.push(error) && error < 0.02;
  });
  assert.ok(close, `slope ${slope}, relative errors ${errors.join(', ')}`);
}

for (const backend of ['tensorflow', 'js'] as const) {
  describe(`every model with every head on ${backend}`, () => {
    before(() => openBackend(backend));

    for (const [name, given] of VARIANTS) {
      for (const [headName, head] of Object.entries(HEADS)) {
        // The losses of regression differ only on the host.
        if (backend === 'js' && ['huber', 'l1'].includes(headName)) continue;
        test(`${name} ${JSON.stringify(given)} ${headName}: exact gradients, outputs, no tensors left`, async () => {
          const { model, weights } = await build(name, given, head);
          const teacher = model.teacherMomentum && toDevice(model, weights);
          // Between 8 x 8 regions of one instance, the attention of RRT-MIL has no effect.
          const sizes = name === 'rrt-mil' && backend === 'tensorflow' ? [70, 66, 30, 12] : [30, 9, 21, 12];
          const bags = windowOf(head, sizes, teacher);
          const adam = openAdam(model.parameters, startingState(weights), { weightDecay: 0 });
          const loss = trainWindow(model, adam, bags, head, 1e-3);
          assert.ok(Number.isFinite(loss));
          const gradients = gradientsOf(adam);
          const lossAt = (moved: (key: string, i: number) => number) => {
            const there = Object.entries(weights).map(([key, values]) => [
              key,
              values.map((value, i) => value + moved(key, i)),
            ]);
            const device = toDevice(model, Object.fromEntries(there) as HostWeights);
            const value = meanLoss(model, device, bags, head);
            tf.dispose(device);
            return value;
          };
          assert.ok(Math.abs(lossAt(() => 0) - loss) < 1e-5 * Math.max(1, Math.abs(loss)));
          // SAM-MIL's consistency loss does not train the embedding.
          if (name === 'sam-mil' && given.mode !== 'release') {
            for (const key of Object.keys(gradients)) if (key.startsWith('embed')) delete gradients[key];
          }
          checkSlope(gradients, lossAt);
          const held = tf.memory().numTensors;
          trainWindow(model, adam, bags, head, 1e-3);
          // The weights are read again after an update.
          assert.equal(Object.keys(adam.weights()).length, model.parameters.length);
          assert.ok(tf.memory().numTensors <= held + model.parameters.length, 'tensors');
          const { logits, attention } = inferOracle(model, adam.weights(), bags[0].bag);
          assert.equal(logits.length, outputsOf(head.target));
          assert.ok([...logits, ...attention].every(Number.isFinite));
          adam.dispose();
          tf.dispose([bags.map(({ bag }) => bag.x), teacher ?? []]);
        });
      }
    }

    test('a window of bags of one to three instances is trained by every model', async () => {
      const { cox: head } = HEADS;
      for (const [name, given] of VARIANTS) {
        const { model, weights } = await build(name, given, head);
        const teacher = model.teacherMomentum && toDevice(model, weights);
        const bags = windowOf(head, [1, 3, 2, 7], teacher);
        const adam = openAdam(model.parameters, startingState(weights), { weightDecay: 0 });
        assert.ok(Number.isFinite(trainWindow(model, adam, bags, head, 1e-3)), name);
        const values = Object.values(adam.state().weights);
        assert.ok(values.every((one) => one.every(Number.isFinite)), name); // prettier-ignore
        adam.dispose();
        tf.dispose([bags.map(({ bag }) => bag.x), teacher ?? []]);
      }
    });
  });
}
