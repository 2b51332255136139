import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { loadOnnxRuntime } from '../../../../../domain/machine/onnx-runtime.js';
import { definition as extract } from '../../../../../activities/pathology/extract.js';
import {
  chooseEncoder,
  findEncoder,
  keyOfEncoder,
} from '../../../../../domain/pathology/extract/encoders/encoders.js';
import { normalize, createNormalizer } from '../../../../../domain/machine/onnx/normalize-pixels.js';
import { importWeights } from '../../../../../domain/machine/weights/import-weights.js';
import type { Weights } from '../../../../../domain/machine/weights/weights-entry.js';
import { fixture } from '../../../../support/fixtures.js';
import { freshCache } from '../../../../support/fresh-cache.js';
import { fixturePixels } from '../../../../support/pixels.js';
import { writeRandomResNet50 } from '../../../../support/random-resnet50.js';

let folder: string;
const kept = process.env.SAM_MIL_CACHE;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sam-mil-encoders-'));
  process.env.SAM_MIL_CACHE = await freshCache(folder);
});

afterEach(() => {
  if (kept === undefined) delete process.env.SAM_MIL_CACHE;
  else process.env.SAM_MIL_CACHE = kept;
  rmSync(folder, { recursive: true });
});

for (const [name, file] of [
  ['resnet50', 'resnet50-0676ba61.pth'],
  ['plip', 'pytorch_model.bin'],
]) {
  test(`${name} without weights reports the commands and the required file, or uses the fallback`, async () => {
    const message = new RegExp(
      `weights of ${name} .*expected ${file}, from https:.*\`npx sam-mil models fetch ${name}\`.*\`npx sam-mil models import ${name} ${file}\``,
    );
    const definition = await findEncoder(name);
    assert.equal(definition.info.weightsDigest, undefined);
    await assert.rejects(definition.open({}), { code: 'WeightsMissing', message });
    await assert.rejects(async () => extract.hiddenInputs?.({ encoder: name }, {}), {
      code: 'WeightsMissing',
      message,
    });
    const chosen = await chooseEncoder(name, 'stain-texture');
    assert.equal(chosen.definition.info.name, 'stain-texture');
    assert.match(chosen.fallbackBecause ?? '', message);
  });
}

describe('refuses weights that do not fit during import', () => {
  const refused: [string, string, RegExp][] = [
    ['plip', 'clip_tiny.bin', /do not belong to plip; expected 512 features; found 32/],
    [
      'plip',
      'resnet50_w8_cut.legacy.pth',
      /no matching tensor vision_model\.embeddings\.patch_embedding\.weight/,
    ],
    [
      'resnet50',
      'resnet50_w8_cut.legacy.pth',
      /do not belong to resnet50; expected 1024 features; found 128/,
    ],
    ['resnet50', 'strided.pth', /no matching tensor layer3\.0\.conv3\.weight/],
  ];
  for (const [name, file, message] of refused) {
    test(`${file} as ${name}`, async () => {
      await assert.rejects(imported(name, fixture(`encoders/${file}`)), {
        code: 'UnsupportedFormat',
        message,
      });
      assert.equal((await findEncoder(name)).info.weightsDigest, undefined, 'nothing was imported');
    });
  }
});

test('a full-size ResNet-50 is imported, enters the key, runs, and leaves an ONNX model for other programs', async (context) => {
  const checkpoint = join(folder, 'lab.safetensors');
  writeRandomResNet50(checkpoint);
  const weights = await imported('resnet50', checkpoint);
  const definition = await findEncoder('resnet50');
  assert.equal(definition.info.weightsDigest, weights.digest);
  const key = await extract.hiddenInputs?.({ encoder: 'resnet50' }, {});
  assert.deepEqual(key?.encoder, keyOfEncoder(definition.info));
  assert.match(JSON.stringify(key), new RegExp(weights.digest));

  const encoder = await definition.open({ device: 'cpu', threads: 2 });
  context.after(() => encoder.close());
  const { data } = await fixturePixels('encoders/patch0.png');
  const features = await encoder.encode(data, 1);
  assert.equal(features.length, 1024);
  assert.ok(features.every(Number.isFinite) && new Set(features).size > 900);

  // In another folder, as if they were passed to someone else.
  const [model, ...others] = readdirSync(weights.folder).filter((name) => name.endsWith('.onnx'));
  assert.deepEqual(others, []);
  for (const name of readdirSync(weights.folder))
    copyFileSync(join(weights.folder, name), join(folder, name));
  const ort = await loadOnnxRuntime();
  const session = await ort.InferenceSession.create(join(folder, model), { intraOpNumThreads: 2 });
  const image = new Float32Array(3 * 224 * 224);
  normalize(data, 1, 224 * 224, createNormalizer(encoder.info.mean, encoder.info.std), image);
  const results = await session.run({ image: new ort.Tensor('float32', image, [1, 3, 224, 224]) });
  assert.deepEqual(results.features.data, features);
  await session.release();
});

/** Imports the weights of a lab like `models import`. */
async function imported(name: string, file: string): Promise<Weights> {
  const definition = await findEncoder(name);
  return importWeights(name, file, {
    acceptDigest: true,
    prepare: async (weights) => definition.prepare?.(weights),
  });
}
