import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { placedBag } from '../../../../domain/mil/bags/bag.js';
import { openBackend, tf, type BackendChoice } from '../../../../domain/mil/compute/backend.js';
import { initialWeights, type Weights } from '../../../../domain/mil/compute/parameters.js';
import type { Model } from '../../../../domain/mil/models/model.js';
import { modelEntry, modelNames, resolveOptions } from '../../../../domain/mil/models/registry.js';
import { CoxWindow } from '../../../../domain/mil/targets/cox-window.js';
import { KeptTapes } from '../../../../domain/mil/train-fold/kept-tapes.js';
import { lossGradients } from '../../../../domain/mil/train-fold/step.js';
import { RandomStream } from '../../../../domain/random.js';
import type { WindowBag } from '../../../support/train-window.js';
import { oracleConfig, toDevice } from '../oracle.js';

function windowOf(): WindowBag[] {
  return [12, 5, 9].map((rows, i) => {
    const stream = new RandomStream('kept tapes', i);
    const host = Float32Array.from({ length: rows * 32 }, () => stream.normal());
    const around = {
      ...{ step: i, totalSteps: 9, report: () => undefined },
      stream: (purpose: string) => new RandomStream('step', i, purpose),
    };
    const parts = { rows, isGroup: new Uint8Array(rows), area: new Float32Array(rows).fill(1) };
    const bag = placedBag({
      ...{ ...parts, x: tf.tensor2d(host, [rows, 32]) },
      coords: Int32Array.from({ length: 2 * rows }, (_, at) => 256 * (at >> 1)),
    });
    return { bag, outcome: { endpoint: 'survival', time: 9 - i, event: 1 }, around };
  });
}

async function modelOf(name: string): Promise<{ model: Model; weights: Weights }> {
  const config = { ...oracleConfig(name, resolveOptions(name, {})), dropout: 0.25 };
  const model = (await modelEntry(name).load())({ ...config, outputs: 1, endpoint: 'survival' });
  return { model, weights: toDevice(model, initialWeights(model.parameters, 'kept tapes')) };
}

const bitsOf = (gradients: Weights) =>
  Object.fromEntries(Object.entries(gradients).map(([name, tensor]) => [name, [...tensor.dataSync()]]));

/** The first pass of a window. */
function firstPass(model: Model, weights: Weights, bags: readonly WindowBag[], limit?: number) {
  const [cox, tapes] = [new CoxWindow('efron'), new KeptTapes(model, limit)];
  for (const { bag, outcome, around } of bags) {
    tapes.record(weights, bag, { ...around, ...cox.record(outcome) });
  }
  const losses = cox.losses();
  assert.ok(losses);
  return { cox, tapes, losses };
}

/** Fills the caches of constants. */
function warmUp(model: Model, weights: Weights, bags: readonly WindowBag[]): void {
  const { losses, tapes } = firstPass(model, weights, bags);
  tapes.release();
  bags.forEach(({ bag, around }, i) => {
    tf.dispose(lossGradients(model, weights, bag, { ...around, ...losses[i] }).gradients);
  });
}

for (const backend of ['js', 'tensorflow'] satisfies BackendChoice[]) {
  describe(`tapes of a Cox window, ${backend}`, () => {
    for (const name of modelNames()) {
      test(`${name}: kept tapes give the bits of a second pass, or are not kept`, async () => {
        await openBackend(backend);
        // These have further parts of the loss, several calls of `bagLoss`, or gradients of their own.
        const twice = ['clam-sb', 'clam-mb', 'dsmil', 'dtfd-mil', 'mhim-mil', 'sam-mil'].includes(name);
        if (name === 'mhim-mil') return;
        const { model, weights } = await modelOf(name);
        const bags = windowOf();
        warmUp(model, weights, bags);
        const before = tf.memory().numTensors;
        const { cox, tapes, losses } = firstPass(model, weights, bags);
        const values = tapes.complete ? cox.onlyLosses() : undefined;
        assert.equal(values === undefined, twice);
        bags.forEach(({ bag, around }, i) => {
          if (values === undefined) return;
          const kept = tapes.next(weights);
          const again = lossGradients(model, weights, bag, { ...around, ...losses[i] });
          assert.deepEqual(bitsOf(kept), bitsOf(again.gradients));
          assert.equal(values[i], again.loss);
          tf.dispose([kept, again.gradients]);
        });
        tapes.release();
        assert.equal(tf.memory().numTensors, before);
        tf.dispose([weights, ...bags.map(({ bag }) => bag.x)]);
      });
    }
  });
}

test('tapes beyond the limit of memory are released, and the window is computed twice', async () => {
  await openBackend('js');
  const { model, weights } = await modelOf('abmil');
  const bags = windowOf();
  warmUp(model, weights, bags);
  const before = tf.memory().numTensors;
  const { tapes } = firstPass(model, weights, bags, 10_000);
  assert.equal(tapes.complete, false);
  assert.equal(tf.memory().numTensors, before);
  tf.dispose([weights, ...bags.map(({ bag }) => bag.x)]);
});
