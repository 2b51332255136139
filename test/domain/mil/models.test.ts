import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openAdam, startingState } from '../../../domain/mil/adam.js';
import { openBackend, tf } from '../../../domain/mil/backend.js';
import type { Bag, Model, StepContext } from '../../../domain/mil/model.js';
import {
  allModelOptions,
  modelEntry,
  modelNames,
  registerModel,
  resolveOptions,
} from '../../../domain/mil/models.js';
import { initialWeights, type HostWeights } from '../../../domain/mil/parameters.js';
import { lossGradients, trainStep } from '../../../domain/mil/step.js';
import { RandomStream } from '../../../domain/random.js';
import { inferOracle, oracleConfig, toDevice } from './oracle.js';

/** Models whose result depends on where an instance stands in the bag: TransMIL lays the bag out as a square, DTFD-MIL cuts it into runs. */
const ordered = new Set(['transmil', 'dtfd-mil']);

function randomBag(rows: number, name: string, groups = 1): Bag & { host: Float32Array } {
  const stream = new RandomStream('bag', name, rows);
  const host = Float32Array.from({ length: rows * 32 }, () => stream.normal());
  const area = Float32Array.from({ length: rows }, (_, i) =>
    i >= rows - groups ? 0 : [1, 700, 9000, 9000][i % 4],
  );
  return {
    host,
    x: tf.tensor2d(host, [rows, 32]),
    rows,
    area,
    isGroup: Uint8Array.from(area, (value) => (value === 0 ? 1 : 0)),
  };
}

function context(label: number, step = 0): StepContext {
  return {
    label,
    step,
    totalSteps: 100,
    stream: (purpose) => new RandomStream('step', step, purpose),
    report: () => undefined,
  };
}

/** One suite for every model of the registry: what any of them must do. */
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

  for (const name of modelNames()) {
    test(`${name}: gradients equal finite differences`, async () => {
      // Detached or clipped gradients are on purpose not those of the loss.
      const { model, weights } = await build(name, name === 'dtfd-mil' ? { detach: false, clip: 1e9 } : {});
      const bag = randomBag(30, name);
      const device = toDevice(model, weights);
      const teacher = model.teacherMomentum && toDevice(model, weights);
      const step = { ...context(1), ...(teacher && { teacher }) };
      const { gradients } = lossGradients(model, device, bag, step);
      const stream = new RandomStream('direction', name);
      const direction = Object.fromEntries(
        Object.entries(weights).map(([key, values]) => {
          // SAM-MIL's consistency loss does not train the embedding, so the slope along it is not that of the loss.
          const size = name === 'sam-mil' && key.startsWith('embed') ? 0 : 0.1;
          return [key, values.map(() => stream.normal() * size)];
        }),
      );
      const slope = Object.entries(gradients).reduce((sum, [key, gradient]) => {
        const values = Float32Array.from(gradient.dataSync());
        return sum + values.reduce((part, value, i) => part + value * direction[key][i], 0);
      }, 0);
      const at = (distance: number) => {
        const moved = Object.fromEntries(
          Object.entries(weights).map(([key, values]) => [
            key,
            values.map((value, i) => value + distance * direction[key][i]),
          ]),
        );
        const there = toDevice(model, moved);
        const result = lossGradients(model, there, bag, step);
        tf.dispose([there, result.gradients]);
        return result.loss;
      };
      const measured = (at(1e-3) - at(-1e-3)) / 2e-3;
      assert.ok(
        Math.abs(measured - slope) <= 0.02 * Math.abs(slope) + 0.02,
        `slope ${slope}, measured ${measured}`,
      );
      tf.dispose([device, gradients, bag.x]);
      if (teacher) tf.dispose(teacher);
    });

    test(`${name}: bags of one instance, of fewer than the pseudo-bags, and of group rows alone`, async () => {
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
      const shuffled = {
        x: tf.gather(bag.x, [...order]),
        rows: 41,
        area: Float32Array.from(order, (row) => bag.area[row]),
        isGroup: Uint8Array.from(order, (row) => bag.isGroup[row]),
      };
      const [one, two] = [inferOracle(model, device, bag), inferOracle(model, device, shuffled)];
      one.logits.forEach((value, i) => assert.ok(Math.abs(value - two.logits[i]) < 1e-4));
      order.forEach((row, i) => assert.ok(Math.abs(one.attention[row] - two.attention[i]) < 1e-5));
      tf.dispose([device, bag.x, shuffled.x]);
    });

    test(`${name}: random parts follow their streams, and steps hold no tensors back`, async () => {
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
      assert.notEqual(loss(3), loss(4));
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

test('options: defaults are filled in, foreign ones refused, a registered model joins', () => {
  assert.equal(resolveOptions('sam-mil', {}).numGroup, 5);
  assert.equal(resolveOptions('sam-mil', { numGroup: 3, epochs: 9 }).numGroup, 3);
  assert.throws(() => resolveOptions('abmil', { beta: 1 }), {
    code: 'InvalidInput',
    message: /`beta` has no meaning for model abmil.*sam-mil/,
  });
  assert.ok(allModelOptions().every(({ defaults }) => defaults.size > 0));
  const entry = { ...modelEntry('mean'), summary: 'of a lab' };
  registerModel('lab', entry);
  assert.ok(modelNames().includes('lab'));
  registerModel('lab', entry);
  assert.throws(() => registerModel('lab', { ...entry }), /registered already/);
});
