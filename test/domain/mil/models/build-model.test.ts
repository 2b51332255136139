import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { buildModel } from '../../../../domain/mil/models/build-model.js';
import { openBackend, tf } from '../../../../domain/mil/compute/backend.js';
import type { Model, ModelConfig } from '../../../../domain/mil/models/model.js';
import { registerModel, resolveOptions, type ModelEntry } from '../../../../domain/mil/models/registry.js';
import { linearSpec } from '../../../../domain/mil/compute/parameters.js';
import { lossGradients } from '../../../../domain/mil/train-fold/step.js';
import { oracleConfig, stepContext, toDevice } from '../oracle.js';
import { initialWeights } from '../../../../domain/mil/compute/parameters.js';

/** Expects the error for an invalid plugin model. */

before(() => openBackend('js'));

const sound = ({ dim, outputs }: ModelConfig): Model => ({
  parameters: linearSpec('cls', dim, outputs),
  loss: ({ 'cls.w': w }, { x }, { bagLoss }) => bagLoss(tf.matMul(tf.mean(x, 0, true), w, false, true)),
  infer: (_, { rows }) => ({
    logits: tf.zeros([outputs]),
    attention: tf.zeros([rows]),
    instanceLogits: tf.zeros([rows, outputs]),
  }),
});

let count = 0;
async function built(change: (model: Model) => Partial<Model>, outputs = 2) {
  const name = `odd-${count++}`;
  const load: ModelEntry['load'] = async () => (config) => ({ ...sound(config), ...change(sound(config)) });
  registerModel(name, { summary: '', attentionDim: 1, options: {}, load });
  const model = await buildModel({ ...oracleConfig(name), outputs, dim: 4 });
  const weights = toDevice(model, initialWeights(model.parameters, 'odd'));
  const bag = { x: tf.ones([3, 4]), rows: 3, area: new Float32Array(3), isGroup: new Uint8Array(3) };
  return { model, weights, bag: bag as never };
}

const broken = (message: RegExp) => ({ code: 'ContractBroken', message });

test('a correct model trains and infers', async () => {
  const { model, weights, bag } = await built(() => ({}));
  assert.ok(lossGradients(model, weights, bag, stepContext(1)).gradients['cls.w']);
  assert.deepEqual(model.infer(weights, bag).logits.shape, [2]);
});

test('an error names a result with a wrong shape', async () => {
  // prettier-ignore
  const wrongLogits = await built(() => ({ infer: (_, { rows }) => ({ ...sound({ dim: 4, outputs: 3 } as never).infer({}, { rows } as never) }) }));
  assert.throws(
    () => wrongLogits.model.infer(wrongLogits.weights, wrongLogits.bag),
    broken(/model "odd-\d": `logits` has the wrong shape; expected 2; found 3/),
  );
  const wide = await built(() => ({ loss: (_, { x }) => x as never }));
  assert.throws(
    () => lossGradients(wide.model, wide.weights, wide.bag, stepContext(1)),
    broken(/the loss is not a scalar.*found 3 x 4/),
  );
  await assert.rejects(
    built(() => ({ parameters: [] })),
    broken(/the model has no parameters/),
  );
  const twice = (model: Model) => ({ parameters: [...model.parameters, ...model.parameters] });
  await assert.rejects(built(twice), broken(/two parameters are named "cls\.w"/));
});

test('an error names a model that throws and the position in its file', async () => {
  const { model, weights, bag } = await built(() => ({
    loss() {
      throw new TypeError('no such thing');
    },
  }));
  assert.throws(
    () => lossGradients(model, weights, bag, stepContext(1)),
    broken(/failed in its `loss`: no such thing; found at file:.*build-model\.test/),
  );
  await assert.rejects(
    built(() => {
      throw new Error('not today');
    }),
    broken(/failed during construction: not today/),
  );
});

test('a loss that does not depend on any weight is rejected', async () => {
  const { model, weights, bag } = await built(() => ({ loss: () => tf.scalar(1) }));
  assert.throws(
    () => lossGradients(model, weights, bag, stepContext(1)),
    broken(/does not depend on any weight/),
  );
});

test('an invalid registry entry is rejected', () => {
  assert.throws(() => registerModel('half', { summary: 'x' } as never), {
    code: 'InvalidInput',
    message: /model "half" cannot be registered; expected .*load.*found summary/,
  });
});

test('an embedding that cannot be divided among the heads is rejected', async () => {
  const config = { ...oracleConfig('transmil', resolveOptions('transmil', {})), embedDim: 12 };
  await assert.rejects(buildModel(config), {
    code: 'InvalidInput',
    message: /expected `embed-dim` that is a multiple of 8; found 12/,
  });
});
