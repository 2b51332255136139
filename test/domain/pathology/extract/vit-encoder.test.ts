import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readFeatures } from '../../../../domain/pathology/layouts/bag-files.js';
import type { InputFile } from '../../../../domain/job.js';
import { inputFile } from '../../../support/activity-job.js';
import { extract, given } from '../../../support/extract-case.js';
import { fixture } from '../../../support/fixtures.js';
import { changedVit } from '../../../support/vit-fixtures.js';

function encoderFile(folder: string, weights: string, more: object = {}): Promise<InputFile> {
  const path = join(folder, 'vit.yaml');
  writeFileSync(path, JSON.stringify({ name: 'tiny-vit', architecture: 'vit', weights, ...more }));
  return inputFile(path);
}

test('pathology.extract runs the checkpoint of a vision transformer', async (context) => {
  const one = await given(context, { 'group-features': false });
  const encoder = await encoderFile(one.folder, fixture('vit/odd/good.safetensors'), { output: 'cls+mean' });
  const result = await extract({ ...one, parameters: { ...one.parameters, encoder } });
  assert.equal(result.values?.encoder, 'tiny-vit');
  const bag = readFeatures(result.files.bag.from);
  assert.deepEqual([bag.rows, result.values?.dim], [30, 16]);
  assert.ok(bag.features.every(Number.isFinite) && new Set(bag.features).size > 100, 'patches differ');
});

test('pathology.extract leaves no output for a checkpoint that is refused', async (context) => {
  const refused = async (child: TestContext, name: string): Promise<void> => {
    const one = await given(child, { 'group-features': false });
    const weights = changedVit(child, 'odd/good.safetensors', (tensors) => delete tensors[name]);
    const encoder = await encoderFile(one.folder, weights);
    const outputs = (): string[] => readdirSync(one.folder, { recursive: true, encoding: 'utf8' });
    const before = outputs().sort();
    await assert.rejects(extract({ ...one, parameters: { ...one.parameters, encoder } }), {
      code: 'UnsupportedFormat',
      message: new RegExp(name),
    });
    const folders = ['attempt', 'attempt/checkpoint', 'attempt/scratch'];
    assert.deepEqual(outputs().sort(), [...folders, ...before]);
  };
  await refused(context, 'blocks.2.attn.proj.bias');
  await refused(context, 'patch_embed.proj.bias');
});
