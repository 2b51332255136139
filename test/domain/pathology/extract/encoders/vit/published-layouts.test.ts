import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { describe, test } from 'node:test';
import { tensorLayout } from '../../../../../../domain/files/torch/torch-layout.js';
import { loadOnnxRuntime } from '../../../../../../domain/machine/onnx-runtime.js';
import { networkTensors } from '../../../../../../domain/machine/onnx/network-tensors.js';
import { openSession } from '../../../../../../domain/machine/onnx/onnx-session.js';
import { createNormalizer, normalize } from '../../../../../../domain/machine/onnx/normalize-pixels.js';
import { buildVit } from '../../../../../../domain/pathology/extract/encoders/vit/vit-graph.js';
import { vitLayout } from '../../../../../../domain/pathology/extract/encoders/vit/vit-layouts.js';
import { fixture } from '../../../../../support/fixtures.js';
import {
  encoderKeys,
  expectedValues,
  largestDifference,
  openVit,
  patchesOf,
  VIT_CASES,
  type VitCase,
} from '../../../../../support/vit-fixtures.js';

/** Of values from -3 to 3; the smallest mistake (GELU by tanh) changes features by 2.6e-4. */
const FEATURES = 3e-5;

/** Of tokens: before the first block they are about 0.03, after the last norm -3 to 3. */
const STAGES: Record<string, number> = { embedded: 2e-6, final: 5e-5 };

for (const one of VIT_CASES) {
  const { variant, checkpoint, size } = one;
  describe(`${variant}/${checkpoint} at ${size} pixels equals the code that published the layout:`, () => {
    test('features', async (context) => {
      const encoder = await openVit(context, encoderKeys(one));
      assertClose(await encoder.encode(await patchesOf(one.images), 2), one.features);
    });

    const rule = one['by-factor'];
    if (rule !== undefined) {
      test('features with positions resampled as older releases do', async (context) => {
        const encoder = await openVit(context, { ...encoderKeys(one), positions: 'by-factor' });
        assertClose(await encoder.encode(await patchesOf(one.images), 2), rule);
      });
    }

    if (Object.keys(one.stages).length > 0)
      test('tokens before and after the blocks', () => assertStages(one));

    function assertClose(found: Float32Array, file: string): void {
      const worst = largestDifference(found, expectedValues(variant, file));
      assert.ok(worst < FEATURES, `largest difference ${worst}`);
    }
  });
}

test('the epsilon of the encoder file replaces that of config.json', async (context) => {
  const one = VIT_CASES.find(({ variant, size }) => variant === 'hf_vit_p16' && size === 64);
  assert.ok(one);
  const encoder = await openVit(context, { ...encoderKeys(one), epsilon: 1e-12 });
  const features = await encoder.encode(await patchesOf(one.images), 2);
  const worst = largestDifference(features, expectedValues(one.variant, 'native.features_eps_1e-12.npy'));
  assert.ok(worst < FEATURES, `largest difference ${worst}`);
});

test('features do not depend on other patches of the batch, nor on threads', async (context) => {
  for (const variant of ['timm_swiglu_p14_reg4_in_pos', 'conch_v15']) {
    const one = VIT_CASES.find((other) => other.variant === variant);
    assert.ok(one);
    const patches = await patchesOf([...one.images, ...one.images, one.images[1]]);
    const [single, several] = await Promise.all(
      [1, 2].map((threads) => openVit(context, encoderKeys(one), threads)),
    );
    const together = await several.encode(patches, 5);
    for (let index = 0; index < 5; index++) {
      const patch = patches.subarray((index * patches.length) / 5, ((index + 1) * patches.length) / 5);
      const alone = await single.encode(patch, 1);
      assert.deepEqual(alone, together.slice(index * alone.length, (index + 1) * alone.length), variant);
    }
  }
});

async function assertStages(one: VitCase): Promise<void> {
  const { variant, size, mean, std, heads } = one;
  const weights = fixture('vit', variant, one.checkpoint);
  const all = tensorLayout(weights);
  const layout = vitLayout(all.keys());
  const model = buildVit(networkTensors(all, layout), layout, {
    heads,
    poolerHeads: one['pooler-heads'],
    size,
    folder: dirname(weights),
    stages: true,
  });
  const { session } = await openSession(weights, { device: 'cpu', model });
  const image = new Float32Array(2 * 3 * size * size);
  normalize(await patchesOf(one.images), 2, size * size, createNormalizer(mean, std), image);
  const { Tensor } = await loadOnnxRuntime();
  const results = await session.run({ image: new Tensor('float32', image, [2, 3, size, size]) });
  for (const [stage, file] of Object.entries(one.stages)) {
    const worst = largestDifference(results[stage].data as Float32Array, expectedValues(variant, file));
    assert.ok(worst < STAGES[stage], `${stage}: largest difference ${worst}`);
  }
  await session.release();
}
