import assert from 'node:assert/strict';
import { existsSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { float16FromFloat32 } from '../../../../../domain/files/half-float.js';
import { writeSafetensors } from '../../../../../domain/files/safetensors.js';
import type { Tensor } from '../../../../../domain/files/tensor.js';
import { readPt } from '../../../../../domain/files/torch/torch-pt.js';
import type { EncoderDefinition } from '../../../../../domain/pathology/extract/encoders/encoder.js';
import { findEncoder } from '../../../../../domain/pathology/extract/encoders/encoders.js';
import type { Precision } from '../../../../../domain/pathology/extract/encoders/precision.js';
import {
  keyWithPrecision,
  resolvePrecision,
} from '../../../../../domain/pathology/extract/encoders/resolve-precision.js';
import { fixture } from '../../../../support/fixtures.js';
import { readFloatNpy } from '../../../../support/npy.js';
import { fixturePixels } from '../../../../support/pixels.js';
import { assertHalf, cosineOf, useOwnCache } from '../../../../support/half-precision.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';
import { writeTinyEncoder } from '../../../../support/tiny-encoder.js';

const NETWORKS = [
  {
    architecture: 'resnet50',
    weights: 'encoders/resnet50_w8_cut.legacy.pth',
    features: 'encoders/resnet50_features.npy',
    file: {},
  },
  {
    architecture: 'clip-vit',
    weights: 'encoders/clip_tiny.bin',
    features: 'encoders/clip_image_embeds.npy',
    file: { 'head-width': 16 },
  },
];

for (const { architecture, weights, features, file } of NETWORKS) {
  for (const precision of ['fp16', 'bf16'] as const) {
    test(`${architecture} in ${precision} gives PyTorch's float32 features up to rounding`, async (context) => {
      useOwnCache(context);
      const definition = await encoderOf(context, fixture(weights), { architecture, ...file });
      const found = await encodeTwo(context, definition, precision);
      const expected = readFloatNpy(fixture(features)).data;
      assertHalf(precision, found, expected, definition.info.dim);
    });
  }
}

describe('converted weights', () => {
  test('are kept once for all readers, and without partial files', async (context) => {
    const cache = useOwnCache(context);
    const definition = await encoderOf(context, fixture('encoders/clip_tiny.bin'), CLIP);
    const [one, two] = await Promise.all([
      encodeTwo(context, definition, 'fp16'),
      encodeTwo(context, definition, 'fp16'),
    ]);
    assert.deepEqual(one, two);
    const [name, ...others] = readdirSync(cache);
    assert.deepEqual(others, []);
    const { mtimeMs, ino } = statSync(join(cache, name));
    assert.deepEqual(await encodeTwo(context, definition, 'fp16'), one);
    assert.equal(statSync(join(cache, name)).ino, ino, 'it is not written again');
    assert.ok(statSync(join(cache, name)).mtimeMs >= mtimeMs, 'its use is noted');
    await encodeTwo(context, definition, 'bf16');
    assert.equal(readdirSync(cache).length, 2);
  });

  test('are made again if the file is incomplete', async (context) => {
    const cache = useOwnCache(context);
    const definition = await encoderOf(context, fixture('encoders/clip_tiny.bin'), CLIP);
    const before = await encodeTwo(context, definition, 'fp16');
    const [name] = readdirSync(cache);
    writeFileSync(join(cache, name), 'cut');
    assert.deepEqual(await encodeTwo(context, definition, 'fp16'), before);
  });

  test('that no encoder has used for a month are removed', async (context) => {
    const cache = useOwnCache(context);
    const definition = await encoderOf(context, fixture('encoders/clip_tiny.bin'), CLIP);
    await encodeTwo(context, definition, 'fp16');
    const [name] = readdirSync(cache);
    const longAgo = new Date(Date.now() - 40 * 24 * 3600 * 1000);
    utimesSync(join(cache, name), longAgo, longAgo);
    await encodeTwo(context, definition, 'bf16');
    assert.equal(readdirSync(cache).includes(name), false);
    assert.equal(readdirSync(cache).length, 1);
  });

  test('are not needed for a checkpoint that is stored in the requested precision', async (context) => {
    const cache = useOwnCache(context);
    const path = join(temporaryFolder(context), 'half.safetensors');
    writeSafetensors(path, halved());
    const definition = await encoderOf(context, path, CLIP);
    const found = await encodeTwo(context, definition, 'fp16');
    assert.ok(!existsSync(cache));
    const wide = await encoderOf(context, fixture('encoders/clip_tiny.bin'), CLIP);
    const converted = await encodeTwo(context, wide, 'fp16');
    // Normalizations and positions stay float32 in the second, but are rounded in the first.
    assert.ok(cosineOf(found, converted) > 0.9999);
  });

  test('that float16 cannot represent are refused by name, and no file is left', async (context) => {
    const cache = useOwnCache(context);
    const path = join(temporaryFolder(context), 'large.safetensors');
    const tensors = readPt(fixture('encoders/clip_tiny.bin')).tensors;
    const name = 'vision_model.encoder.layers.1.mlp.fc1.weight';
    const data = Float32Array.from(tensors[name].data as Float32Array);
    data[7] = 70000;
    writeSafetensors(path, { ...tensors, [name]: { ...tensors[name], data } });
    const definition = await encoderOf(context, path, CLIP);
    await assert.rejects(encodeTwo(context, definition, 'fp16'), {
      code: 'InvalidInput',
      message: /found 70000 in tensor .*layers\.1\.mlp\.fc1\.weight/,
    });
    assert.deepEqual(readdirSync(cache), []);
  });
});

describe('precision: auto', () => {
  test('is the recommendation where a GPU is expected, else fp32', async (context) => {
    const definition = await encoderOf(context, fixture('encoders/clip_tiny.bin'), CLIP);
    const recommending = { ...definition, info: { ...definition.info, precision: 'bf16' as const } };
    const resolve = (
      device: 'auto' | 'cpu' | 'cuda',
      gpu: boolean,
      one: EncoderDefinition = recommending,
    ): Precision => resolvePrecision(one, { precision: 'auto', device }, () => gpu);
    assert.equal(resolve('auto', true), 'bf16');
    assert.equal(resolve('cuda', true), 'bf16');
    assert.equal(resolve('cpu', true), 'fp32');
    assert.equal(resolve('auto', false), 'fp32');
    assert.equal(resolve('auto', true, { ...definition, info: definition.info }), 'fp32');
  });

  test('has the key of fp32 on a machine without a GPU', async (context) => {
    const definition = await encoderOf(context, fixture('encoders/clip_tiny.bin'), CLIP);
    const info = { ...definition.info, precision: 'fp16' as const };
    const key = keyWithPrecision({ ...definition, info }, { precision: 'auto', device: 'cpu' });
    assert.deepEqual(key, keyWithPrecision(definition, { precision: 'fp32', device: 'cpu' }));
  });

  test('an ONNX model and a texture run only in their own precision', async (context) => {
    const model = await findEncoder(writeTinyEncoder(temporaryFolder(context)));
    const texture = await findEncoder('stain-texture');
    for (const [definition, reason] of [
      [model, /an ONNX model computes in the precision that it was exported in/],
      [texture, /not a neural network/],
    ] as const) {
      const request = { precision: 'fp16', device: 'auto' } as const;
      assert.throws(() => resolvePrecision(definition, request), { code: 'InvalidInput', message: reason });
      assert.equal(
        resolvePrecision(definition, { ...request, precision: 'auto' }, () => true),
        'fp32',
      );
    }
  });
});

const CLIP = { architecture: 'clip-vit', 'head-width': 16 };

async function encoderOf(
  context: TestContext,
  weights: string,
  file: Record<string, unknown>,
): Promise<EncoderDefinition> {
  const path = join(temporaryFolder(context), 'encoder.yaml');
  writeFileSync(path, JSON.stringify({ name: 'mine', weights, ...file }));
  return findEncoder(path);
}

async function encodeTwo(
  context: TestContext,
  definition: EncoderDefinition,
  precision: Precision,
): Promise<Float32Array> {
  const encoder = await definition.open({ device: 'cpu', threads: 2, precision });
  context.after(() => encoder.close());
  const patches = await Promise.all(
    ['patch0', 'patch1'].map((name) => fixturePixels(`encoders/${name}.png`)),
  );
  return encoder.encode(Buffer.concat(patches.map(({ data }) => data)), 2);
}

function halved(): Record<string, Tensor> {
  const tensors = Object.entries(readPt(fixture('encoders/clip_tiny.bin')).tensors);
  return Object.fromEntries(
    tensors.map(([name, tensor]): [string, Tensor] => {
      const { data, shape } = tensor;
      const half = data instanceof Float32Array && {
        dtype: 'float16' as const,
        shape,
        data: float16FromFloat32(data),
      };
      return [name, half || tensor];
    }),
  );
}
