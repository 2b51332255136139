import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkExtract } from '../../../../domain/pathology/extract/check-extract.js';
import { unexpectedPatches } from '../../../../domain/pathology/extract/expected-patches.js';
import type { Json } from '../../../../domain/json.js';

const uni = { name: 'uni', expects: { mpp: [0.5], side: 256 } };
const several = { name: 'virchow2', expects: { mpp: [0.25, 0.5, 1, 2], side: 224 } };

test('patches that show the same tissue at least as finely are expected, whatever they are resized from', () => {
  for (const [side, mpp] of [
    [256, 0.5],
    [224, 0.5],
    [256, 0.46],
    [512, 0.25],
    [510, 0.2527],
  ])
    assert.equal(unexpectedPatches(uni, { side, mpp }), undefined, `${side} at ${mpp}`);
  for (const mpp of [0.25, 0.5, 1, 2])
    assert.equal(unexpectedPatches(several, { side: 224, mpp }), undefined);
  assert.equal(unexpectedPatches({ name: 'tiny' }, { side: 1, mpp: 100 }), undefined);
});

test('other patches are described with what the encoder expects', () => {
  assert.equal(
    unexpectedPatches(uni, { side: 256, mpp: 0.25271 }),
    'uni expects patches of 256 px at 0.5 µm per pixel; these are 256 px at 0.253 µm per pixel',
  );
  assert.match(unexpectedPatches(uni, { side: 512, mpp: 0.5 }) ?? '', /these are 512 px at 0\.5/);
  assert.match(unexpectedPatches(uni, { side: 128, mpp: 1 }) ?? '', /these are 128 px at 1 /, 'too coarse');
  assert.match(
    unexpectedPatches(several, { side: 224, mpp: 4 }) ?? '',
    /224 px at 0\.25, 0\.5, 1 or 2 µm per pixel/,
  );
});

test('the check before the run reads the parameters of the step that cuts the patches', async () => {
  const warnings = async (
    patch: Record<string, Json>,
    encoder: Record<string, Json>,
    uses = 'pathology.patch',
  ) => (await checkExtract({ with: encoder, producers: { patches: { uses, with: patch } } })).warnings.length;
  assert.equal(await warnings({ 'patch-size': 256, mpp: 0.5 }, { encoder: 'uni2-h' }), 0);
  assert.equal(await warnings({ 'patch-size': 256, magnification: 20 }, { encoder: 'uni2-h' }), 0);
  assert.equal(await warnings({ 'patch-size': 512, magnification: 40 }, { encoder: 'gpfm' }), 0);
  assert.equal(await warnings({ 'patch-size': 256, magnification: 10 }, { encoder: 'uni2-h' }), 1);
  assert.equal(await warnings({ 'patch-size': 256, mpp: 1 }, { encoders: ['uni', 'conch', 'resnet50'] }), 2);
  assert.equal(await warnings({ 'patch-size': 256, 'patch-level': 0 }, { encoder: 'uni2-h' }), 0);
  assert.equal(await warnings({ 'patch-size': 256, mpp: 1 }, { encoder: 'resnet50' }), 0);
  assert.equal(await warnings({ 'patch-size': 256, mpp: 1 }, { encoder: 'uni2-h' }, 'lab.patch'), 0);
});
