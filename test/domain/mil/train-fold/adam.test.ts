import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  openAdam,
  startingState,
  type Adam,
  type AdamState,
} from '../../../../domain/mil/train-fold/adam.js';
import { openBackend, tf, type BackendChoice } from '../../../../domain/mil/compute/backend.js';
import type { HostWeights, ParameterSpec } from '../../../../domain/mil/compute/parameters.js';
import { RandomStream } from '../../../../domain/random.js';

/**
 * On the native backend, TensorFlow updates one and the host another. The third has a gradient only in every
 * other step.
 */
const SPECS: ParameterSpec[] = [
  { name: 'large', shape: [200, 100], init: 'zeros' },
  { name: 'small', shape: [100], init: 'zeros' },
  { name: 'rare', shape: [7], init: 'zeros' },
];
const DECAY = 0.01;
const STEPS = 6;

function values(...names: (string | number)[]): HostWeights {
  return Object.fromEntries(
    SPECS.map(({ name, shape }) => {
      const stream = new RandomStream('adam', name, ...names);
      const length = shape.reduce((a, b) => a * b);
      return [name, Float32Array.from({ length }, () => stream.normal())];
    }),
  );
}

function gradientsOf(step: number): HostWeights {
  const { rare, ...others } = values('gradient', step);
  return step % 2 === 0 ? { ...others, rare } : others;
}

const rateOf = (step: number) => 0.01 / (step + 1);

/**
 * PyTorch's Adam with coupled weight decay, or AdamW (the documentation of torch.optim), one element, in
 * double precision.
 */
function reference(start: number, gradients: [number, number][], decoupled: boolean): number {
  let [w, m, v] = [start, 0, 0];
  gradients.forEach(([slope, rate], index) => {
    const g = decoupled ? slope : slope + DECAY * w;
    if (decoupled) w -= rate * DECAY * w;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    const [first, second] = [1 - 0.9 ** (index + 1), 1 - 0.999 ** (index + 1)];
    w -= (rate / first) * (m / (Math.sqrt(v / second) + 1e-8));
  });
  return w;
}

function update(adam: Adam, from: number, to: number): void {
  for (let step = from; step < to; step++) {
    tf.tidy(() => {
      const gradients = Object.entries(gradientsOf(step)).map(([name, slope]) => {
        const { shape } = SPECS.find((spec) => spec.name === name) as ParameterSpec;
        return [name, tf.tensor(slope, shape)] as const;
      });
      adam.update(Object.fromEntries(gradients), rateOf(step));
    });
  }
}

function open(state: AdamState, decoupled: boolean): Adam {
  return openAdam(SPECS, state, { weightDecay: DECAY, decoupled });
}

const OPTIMIZERS = (['js', 'tensorflow'] satisfies BackendChoice[]).flatMap((backend) =>
  [false, true].map((decoupled) => ({ backend, decoupled })),
);

for (const { backend, decoupled } of OPTIMIZERS) {
  describe(`Adam with ${backend} and ${decoupled ? 'decoupled' : 'coupled'} weight decay`, () => {
    test("large and small parameters follow PyTorch's formula", async () => {
      await openBackend(backend);
      const start = values('weight');
      const adam = open(startingState(start), decoupled);
      update(adam, 0, STEPS);
      const { weights, steps } = adam.state();
      adam.dispose();
      assert.deepEqual(steps, { large: STEPS, small: STEPS, rare: STEPS / 2 });
      for (const { name } of SPECS) {
        for (const i of [0, 1, weights[name].length - 1]) {
          const slopes = Array.from({ length: STEPS }, (_, step) => [
            gradientsOf(step)[name]?.[i],
            rateOf(step),
          ]);
          const given = slopes.filter(([slope]) => slope !== undefined) as [number, number][];
          const expected = reference(start[name][i], given, decoupled);
          assert.ok(
            Math.abs(weights[name][i] - expected) < 1e-6,
            `${name}[${i}]: ${weights[name][i]}, ${expected}`,
          );
        }
      }
    });

    test('resuming from a state gives the same bits and leaves no tensors', async () => {
      await openBackend(backend);
      const before = tf.memory().numTensors;
      const whole = open(startingState(values('weight')), decoupled);
      update(whole, 0, STEPS);
      const half = open(startingState(values('weight')), decoupled);
      update(half, 0, STEPS / 2);
      const other = open(half.state(), decoupled);
      update(other, STEPS / 2, STEPS);
      assert.deepEqual(other.state(), whole.state());
      [whole, half, other].forEach((adam) => adam.dispose());
      assert.equal(tf.memory().numTensors, before);
    });
  });
}
