import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Registry } from '../../../activities/define/registry.js';
import { plugins } from '../../../activities/plugins/index.js';
import { prepareStep, type StepEngine } from '../../../activities/step/prepare-step.js';
import { definition as extract } from '../../../activities/pathology/extract.js';
import { definition as patch } from '../../../activities/pathology/patch.js';
import { definition as segment } from '../../../activities/pathology/segment.js';
import { DigestCache } from '../../../domain/engine/store/digest-cache.js';
import type { InputFile } from '../../../domain/job.js';
import type { Json } from '../../../domain/json.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { writeTinyEncoder } from '../../support/tiny-encoder.js';

function engineOf(work: string): StepEngine {
  const cache = new DigestCache(work);
  return { registry: new Registry(plugins), digests: () => cache };
}

test('an encoder by file: its path starts at the pipeline, and the model behind it is part of the key', async (context) => {
  const base = temporaryFolder(context);
  for (const name of ['slide.svs', 'patches.h5']) writeFileSync(join(base, name), name);
  writeTinyEncoder(base);
  const prepare = (changes: Record<string, Json> = {}) =>
    prepareStep(engineOf(base), extract, {
      work: base,
      base,
      item: 'slide',
      single: false,
      with: { slide: 'slide.svs', patches: 'patches.h5', encoder: 'tiny.yaml', ...changes },
    });
  const first = await prepare();
  assert.equal((first.jobWith.encoder as unknown as InputFile).path, join(base, 'tiny.yaml'));
  assert.equal((await prepare({ device: 'cpu', threads: 3 })).key, first.key, 'speed is not in the key');
  assert.notEqual((await prepare({ 'batch-size': 8 })).key, first.key);
  assert.notEqual((await prepare({ 'target-size': 64 })).key, first.key);
  assert.notEqual((await prepare({ encoder: 'stain-texture' })).key, first.key);
  writeTinyEncoder(base, {}, 32);
  assert.notEqual((await prepare()).key, first.key, 'another model under the same encoder file');
});

test('a parameter of the segmenter that is out of range is refused by name', async (context) => {
  const base = temporaryFolder(context);
  const given = { slide: 'a', patches: 'b', segmenter: 'watershed', regions: [0], 'pred-iou-thresh': 2 };
  const step = { work: base, base, item: 'slide', single: false, with: given };
  await assert.rejects(prepareStep(engineOf(base), segment, step), {
    code: 'InvalidInput',
    message: /`regions\.0` must be at least 1.*`pred-iou-thresh` must be at most 1/,
  });
});

test('a resolution in nanometers or millimeters is refused, not taken for micrometers', async (context) => {
  const base = temporaryFolder(context);
  for (const [mpp, bound] of [
    [250, /`slide-mpp` must be at most 50/],
    [0.00025, /`slide-mpp` must be at least 0\.01/],
  ] as const) {
    const step = { work: base, base, item: 'slide', single: false, with: { slide: 'a', 'slide-mpp': mpp } };
    await assert.rejects(prepareStep(engineOf(base), patch, step), { code: 'InvalidInput', message: bound });
  }
});
