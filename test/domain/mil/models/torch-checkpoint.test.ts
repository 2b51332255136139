import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { writePt } from '../../../../domain/files/torch/torch-pt.js';
import { loadModel, predict } from '../../../../domain/mil/models/predict.js';
import { readCheckpoint } from '../../../../domain/mil/models/checkpoint.js';
import { run } from '../../../../domain/mil/train-fold/train-fold.js';
import { findPython } from '../../../support/python.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { makeCohort, makeJob, trainWith } from '../cohort.js';
import { assertClose, Oracle } from '../oracle.js';

/** The oracle's parameters by the names in the published code. */
function published(oracle: Oracle, prefix = '') {
  const tensor = (name: string, shape: number[]) => ({
    dtype: 'float32' as const,
    shape,
    data: oracle.floats(`param/${name}`),
  });
  return {
    [`${prefix}patch_to_emb.0.weight`]: tensor('embed.w', [64, 32]),
    [`${prefix}patch_to_emb.0.bias`]: tensor('embed.b', [64]),
    [`${prefix}online_encoder.attention.attention.0.weight`]: tensor('att.V.w', [16, 64]),
    [`${prefix}online_encoder.attention.attention.2.weight`]: tensor('att.w.w', [1, 16]),
    [`${prefix}predictor.weight`]: tensor('cls.w', [2, 64]),
    [`${prefix}predictor.bias`]: tensor('cls.b', [2]),
  };
}

test("the published code's checkpoints predict as they do in PyTorch", async (t) => {
  const path = join(temporaryFolder(t), 'fold_0_model_best_auc.pt');
  const oracle = new Oracle('attn_relu_nobias');
  // Saved as {model, teacher}, of which the student is used.
  writePt(path, { tensors: { ...published(oracle, 'model.'), ...published(oracle, 'teacher.') } });
  const model = await loadModel(path);
  const bag = {
    features: oracle.floats('in/x300'),
    rows: 300,
    dim: 32,
    isGroup: new Uint8Array(300),
    area: new Float32Array(300),
    coords: new Int32Array(600),
  };
  const { logits, attention } = predict(model, bag);
  assertClose(logits, oracle.floats('N300/out/logits'), 'logits');
  assertClose(attention, oracle.floats('N300/out/attention'), 'attention');
  model.dispose();
});

test('an error names the unknown parameters in a checkpoint of a different model', async (t) => {
  const path = join(temporaryFolder(t), 'other.pt');
  const oracle = new Oracle('attn_relu_nobias');
  const strange = { dtype: 'float32' as const, shape: [1], data: new Float32Array(1) };
  writePt(path, { tensors: { ...published(oracle), cls_token: strange } });
  await assert.rejects(loadModel(path), { code: 'UnsupportedFormat', message: /found cls_token/ });
  const beside = { 'adapter.up': strange, ...published(oracle, 'model.') };
  writePt(path, { tensors: beside });
  await assert.rejects(loadModel(path), { code: 'UnsupportedFormat', message: /found adapter\.up/ });
});

const python = findPython(['torch']);

test('a checkpoint can be written as .pt, which torch reads without executing anything', async (t) => {
  const folder = temporaryFolder(t);
  const cohort = makeCohort(folder);
  const train = async (name: string, checkpointFormat: 'safetensors' | 'pt') => {
    const settings = trainWith(cohort, { epochs: 1, backend: 'js', standardize: true, checkpointFormat });
    const { checkpoint } = (await run(makeJob(join(folder, name), cohort.work, settings))).files;
    return checkpoint;
  };
  const [ours, pt] = [await train('a', 'safetensors'), await train('b', 'pt')];
  assert.deepEqual([ours.to, pt.to], ['checkpoints/cell.safetensors', 'checkpoints/cell.pt']);
  assert.deepEqual(readCheckpoint(pt.from), readCheckpoint(ours.from));
  (await loadModel(pt.from)).dispose();
  await t.test('torch.load(weights_only=True)', { skip: python.skip }, () => {
    const program = `
import sys, json, torch
c = torch.load(sys.argv[1], weights_only=True)
m = c["model"]
print(json.dumps([sorted(k for k in c if k != "model"), list(m["embed.w"].shape), m["embed.w"].double().sum().item()]))`;
    const [notes, shape, sum] = JSON.parse(python.run(program, pt.from)) as [string[], number[], number];
    assert.deepEqual(notes, ['classes', 'config', 'format', 'group-features', 'training', 'version']);
    assert.deepEqual(shape, [16, 24]);
    const values = readCheckpoint(ours.from).weights['embed.w'];
    assert.ok(Math.abs(values.reduce((total, value) => total + value, 0) - sum) < 1e-6);
  });
});
