import { classLoss } from '../../../../domain/mil/targets/head.js';
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openAdam, startingState } from '../../../../domain/mil/train-fold/adam.js';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import type { Model, StepContext } from '../../../../domain/mil/models/model.js';
import { placedBag, type Bag } from '../../../../domain/mil/bags/bag.js';
import {
  allModelOptions,
  modelEntry,
  modelNames,
  registerModel,
  resolveOptions,
} from '../../../../domain/mil/models/registry.js';
import { initialWeights, type HostWeights } from '../../../../domain/mil/compute/parameters.js';
import { lossGradients } from '../../../../domain/mil/train-fold/step.js';
import { trainStep } from '../../../support/train-step.js';
import { RandomStream } from '../../../../domain/random.js';
import { inferOracle, oracleConfig, toDevice } from '../oracle.js';

/**
 * Models whose result depends on the order of the instances: TransMIL and RRT-MIL arrange the bag in a
 * square, DTFD-MIL divides it into runs.
 */
const ordered = new Set(['transmil', 'rrt-mil', 'dtfd-mil']);

/** Models without dropout or another random part. */
const fixed = new Set(['mean-linear']);

/** Between 8 x 8 regions of one instance, the attention of RRT-MIL has no effect. */
const rowsFor = (name: string) => (name === 'rrt-mil' ? 100 : 30);

/** The models of the registry, with the options that change their arithmetic. */
const VARIANTS: readonly [string, Record<string, unknown>][] = [
  ...modelNames().map((name): [string, Record<string, unknown>] => [name, {}]),
  ['simlp', { hiddenActivation: 'gelu' }],
  ['abmil', { scoring: 'relu' }],
  ['rrt-mil', { epegK: 5, crmsaMlp: true, crmsaHeads: 1, allShortcut: true, attentionActivation: 'tanh' }],
  ['rrt-mil', { regionNum: 3, epegK: 0, crmsaK: 1 }],
  ['dsmil', { query: 'tanh', value: 'relu' }],
  ['dsmil', { query: 'tanh', embedding: 'none', bagLoss: 'bce' }],
  ['dtfd-mil', { distill: 'MaxS' }],
  ['dtfd-mil', { distill: 'MaxMinS' }],
  ['clam-sb', { subtyping: true, instLoss: 'ce' }],
  ['clam-mb', { subtyping: true }],
  // The oracles cover SAM-MIL's gradients on self-attention, which would take seconds each here.
  ['mhim-mil', { baseline: 'transmil' }],
  ['mhim-mil', { baseline: 'dsmil' }],
  ['sam-mil', { baseline: 'dsmil' }],
  ['sam-mil', { mode: 'release' }],
];

function randomBag(rows: number, name: string, groups = 1): Bag & { host: Float32Array } {
  const stream = new RandomStream('bag', name, rows);
  const host = Float32Array.from({ length: rows * 32 }, () => stream.normal());
  const area = Float32Array.from({ length: rows }, (_, i) =>
    i >= rows - groups ? 0 : [1, 700, 9000, 9000][i % 4],
  );
  const parts = {
    x: tf.tensor2d(host, [rows, 32]),
    rows,
    area,
    isGroup: Uint8Array.from(area, (value) => (value === 0 ? 1 : 0)),
    coords: Int32Array.from({ length: 2 * rows }, (_, i) => 256 * ((i >> 1) % (i % 2 === 0 ? 7 : 5))),
  };
  return Object.assign(placedBag(parts), { host });
}

function context(label: number, step = 0): StepContext {
  return {
    ...classLoss(label),
    step,
    totalSteps: 100,
    stream: (purpose) => new RandomStream('step', step, purpose),
    report: () => undefined,
  };
}

/** The suite that every model of the registry must pass. */
describe('every model', () => {
  before(() => openBackend('tensorflow'));

  async function build(
    name: string,
    given: Record<string, unknown> = {},
  ): Promise<{ model: Model; weights: HostWeights }> {
    const config = { ...oracleConfig(name, resolveOptions(name, given)), dropout: 0.25 };
    const model = (await modelEntry(name).load())(config);
    return { model, weights: initialWeights(model.parameters, 'test', name) };
  }

  for (const [name, given] of VARIANTS) {
    const title = `${name} ${JSON.stringify(given)}`;
    test(`${title}: gradients equal finite differences, weight by weight`, async () => {
      // Detached or clipped gradients intentionally differ from those of the loss.
      const exact = name === 'dtfd-mil' ? { detach: false, clip: 1e9 } : {};
      const { model, weights: drawn } = await build(name, { ...given, ...exact });
      // Non-zero biases, so that nothing matches by chance.
      const stream = new RandomStream('perturbed', name);
      const weights = Object.fromEntries(
        Object.entries(drawn).map(([key, values]) => [
          key,
          values.map((value) => value + 0.05 * stream.normal()),
        ]),
      );
      const bag = randomBag(rowsFor(name), name);
      const [device, teacher] = [toDevice(model, weights), model.teacherMomentum && toDevice(model, weights)];
      const step = { ...context(1), ...(teacher && { teacher }) };
      const { gradients } = lossGradients(model, device, bag, step);
      const at = (key: string, direction: Float32Array, distance: number) => {
        const moved = weights[key].map((value, i) => value + distance * direction[i]);
        const there = toDevice(model, { ...weights, [key]: moved });
        const loss = tf.tidy(() => model.loss(there, bag, step).dataSync()[0]);
        tf.dispose(there);
        return loss;
      };
      for (const [key, tensor] of Object.entries(gradients)) {
        // SAM-MIL's consistency loss does not train the embedding, so the embedding's gradient is not that of
        // the loss.
        if (name === 'sam-mil' && given.mode !== 'release' && key.startsWith('embed')) continue;
        const gradient = Float32Array.from(tensor.dataSync());
        const slope = Math.hypot(...gradient);
        if (slope < 1e-4) continue;
        const direction = gradient.map((value) => value / slope);
        // A kink of ReLU or of a maximum may be within one distance; rounding affects the smallest.
        const errors: number[] = [];
        const close = [3e-3, 1e-2, 1e-3, 3e-4].some((distance) => {
          const measured = (at(key, direction, distance) - at(key, direction, -distance)) / (2 * distance);
          return errors.push(Math.abs(measured - slope) / slope) && errors[errors.length - 1] < 0.02;
        });
        assert.ok(close, `${key}: slope ${slope}, relative errors ${errors.join(', ')}`);
      }
      tf.dispose([device, gradients, bag.x]);
      if (teacher) tf.dispose(teacher);
    });

    test(`${title}: every weight is trained by bags of at least one class`, async () => {
      const { model, weights } = await build(name, given);
      const adam = openAdam(model.parameters, startingState(weights), { weightDecay: 1e-5 });
      const teacher = model.teacherMomentum && toDevice(model, weights);
      const bag = randomBag(rowsFor(name), name);
      // prettier-ignore
      for (const label of [0, 1]) trainStep(model, adam, bag, { ...context(label, label), ...(teacher && { teacher }) }, 1e-3);
      const idle = Object.entries(adam.state().steps).filter(([, steps]) => steps === 0);
      assert.deepEqual(idle, []);
      adam.dispose();
      bag.x.dispose();
      if (teacher) tf.dispose(teacher);
    });
  }

  for (const name of modelNames()) {
    test(`${name}: accepts bags of one instance, fewer instances than pseudo-bags, or group rows only`, async () => {
      const { model, weights } = await build(name);
      const adam = openAdam(model.parameters, startingState(weights), { weightDecay: 1e-5 });
      const teacher = model.teacherMomentum && toDevice(model, weights);
      for (const [rows, groups] of [
        [1, 0],
        [1, 1],
        [3, 1],
        [4, 4],
        [9, 0],
      ]) {
        const bag = randomBag(rows, name, groups);
        for (let step = 0; step < 2; step++) {
          const loss = trainStep(
            model,
            adam,
            bag,
            { ...context(step, step), ...(teacher && { teacher }) },
            1e-3,
          );
          assert.ok(Number.isFinite(loss), `${rows} rows: loss ${loss}`);
        }
        const { logits, attention } = inferOracle(model, adam.weights(), bag);
        assert.ok([...logits, ...attention].every(Number.isFinite), `${rows} rows`);
        bag.x.dispose();
      }
      adam.dispose();
      if (teacher) tf.dispose(teacher);
    });

    test(`${name}: ${ordered.has(name) ? 'a bag gives the same each time' : 'the order of instances does not matter'}`, async () => {
      const { model, weights } = await build(name);
      const device = toDevice(model, weights);
      const bag = randomBag(41, name);
      const order = ordered.has(name)
        ? Uint32Array.from({ length: 41 }, (_, i) => i)
        : new RandomStream('order').permutation(41);
      const shuffled = placedBag({
        x: tf.gather(bag.x, [...order]),
        rows: 41,
        area: Float32Array.from(order, (row) => bag.area[row]),
        isGroup: Uint8Array.from(order, (row) => bag.isGroup[row]),
        coords: Int32Array.from([...order].flatMap((row) => [...bag.coords.subarray(2 * row, 2 * row + 2)])),
      });
      const [one, two] = [inferOracle(model, device, bag), inferOracle(model, device, shuffled)];
      one.logits.forEach((value, i) => assert.ok(Math.abs(value - two.logits[i]) < 1e-4));
      order.forEach((row, i) => assert.ok(Math.abs(one.attention[row] - two.attention[i]) < 1e-5));
      tf.dispose([device, bag.x, shuffled.x]);
    });

    test(`${name}: random parts depend only on their streams, and steps leave no tensors behind`, async () => {
      const { model, weights } = await build(name);
      const device = toDevice(model, weights);
      const teacher = model.teacherMomentum && toDevice(model, weights);
      const bags = [7, 64, 33].map((rows) => randomBag(rows, name));
      const loss = (step: number) => {
        const result = lossGradients(model, device, bags[1], {
          ...context(1, step),
          ...(teacher && { teacher }),
        });
        tf.dispose(result.gradients);
        return result.loss;
      };
      assert.equal(loss(3), loss(3));
      assert.equal(loss(3) === loss(4), fixed.has(name));
      const adam = openAdam(model.parameters, startingState(weights), { weightDecay: 1e-5 });
      let held = 0;
      for (let step = 0; step < 12; step++) {
        trainStep(
          model,
          adam,
          bags[step % 3],
          { ...context(step % 2, step), ...(teacher && { teacher }) },
          1e-3,
        );
        if (step === 2) held = tf.memory().numTensors;
      }
      assert.equal(tf.memory().numTensors, held);
      adam.dispose();
      tf.dispose([device, ...bags.map(({ x }) => x)]);
      if (teacher) tf.dispose(teacher);
    });
  }
});

test('options get defaults, options of other models are rejected, models can be registered', () => {
  assert.equal(resolveOptions('sam-mil', {}).numGroup, 5);
  assert.equal(resolveOptions('sam-mil', { numGroup: 3, epochs: 9 }).numGroup, 3);
  assert.throws(() => resolveOptions('abmil', { beta: 1 }), {
    code: 'InvalidInput',
    message: /`beta` has no effect on model abmil.*sam-mil/,
  });
  assert.ok(allModelOptions().every(({ defaults }) => defaults.size > 0));
  const entry = { ...modelEntry('mean'), summary: 'of a lab' };
  registerModel('lab', entry);
  assert.ok(modelNames().includes('lab'));
  registerModel('lab', entry);
  assert.throws(() => registerModel('lab', { ...entry }), /already registered/);
});
