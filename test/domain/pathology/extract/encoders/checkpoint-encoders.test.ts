import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { InferenceSession } from 'onnxruntime-common';
import { loadOnnxRuntime } from '../../../../../domain/machine/onnx-runtime.js';
import { buildClipVision } from '../../../../../domain/pathology/extract/encoders/clip-vision-graph.js';
import type { OpenEncoder } from '../../../../../domain/pathology/extract/encoders/encoder.js';
import { findEncoder, keyOfEncoder } from '../../../../../domain/pathology/extract/encoders/encoders.js';
import { normalize, createNormalizer } from '../../../../../domain/machine/onnx/normalize-pixels.js';
import { buildResNet50 } from '../../../../../domain/pathology/extract/encoders/resnet50-graph.js';
import { writeSafetensors } from '../../../../../domain/files/safetensors.js';
import type { Tensor } from '../../../../../domain/files/tensor.js';
import { tensorLayout } from '../../../../../domain/files/torch/torch-layout.js';
import { readPt, writePt } from '../../../../../domain/files/torch/torch-pt.js';
import { openSession } from '../../../../../domain/machine/onnx/onnx-session.js';
import { resizeRgb } from '../../../../support/pixels.js';
import { fixture } from '../../../../support/fixtures.js';
import { readFloatNpy } from '../../../../support/npy.js';
import { fixturePixels } from '../../../../support/pixels.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';

const RESNET = fixture('encoders/resnet50_w8_cut.legacy.pth');
const CLIP = fixture('encoders/clip_tiny.bin');
const TOLERANCE = 1e-4;

interface Probe {
  shape: number[];
  flat_indices: number[];
  values: number[];
}
interface Oracle {
  mean: [number, number, number];
  std: [number, number, number];
  stages: Record<string, Probe>;
}
const oracle = (name: string): Oracle =>
  JSON.parse(readFileSync(fixture(`encoders/${name}`), 'utf8')) as Oracle;
const golden = (name: string): Float32Array => readFloatNpy(fixture(`encoders/${name}`)).data;

type Tensors = Record<string, Tensor>;

/** Common checkpoint formats. */
const FORMATS: Record<string, (folder: string, source: string) => string> = {
  'as published': (folder, source) => {
    const path = join(folder, 'published.pth');
    copyFileSync(source, path);
    return path;
  },
  "in torch's zip format, wrapped for several devices": (folder, source) => {
    const path = join(folder, 'zip.pt');
    const entries = Object.entries(readPt(source).tensors).filter(([, { dtype }]) => dtype === 'float32');
    writePt(path, {
      tensors: Object.fromEntries(entries.map(([name, tensor]) => [`module.${name}`, tensor])),
    });
    return path;
  },
  'in safetensors': (folder, source) => {
    const path = join(folder, 'model.safetensors');
    writeSafetensors(path, readPt(source).tensors);
    return path;
  },
};

const CASES = [
  {
    architecture: 'resnet50',
    source: RESNET,
    file: {},
    features: 'resnet50_features.npy',
    from300: 'resnet50_features_from_300.npy',
  },
  {
    architecture: 'clip-vit',
    source: CLIP,
    file: { 'head-width': 16 },
    features: 'clip_image_embeds.npy',
    from300: 'clip_image_embeds_from_300.npy',
  },
] as const;

for (const { architecture, source, file, features, from300 } of CASES) {
  describe(`${architecture}: features equal PyTorch's`, () => {
    for (const [format, write] of Object.entries(FORMATS)) {
      test(`from a checkpoint ${format}`, async (context) => {
        const encoder = await open(context, architecture, (folder) => write(folder, source), file);
        assertClose(await encoder.encode(await twoPatches(), 2), golden(features));
        const large = await fixturePixels('encoders/patch_300.png');
        const resized = resizeRgb(large.data, large, { width: 224, height: 224 }, encoder.info.resize);
        assertClose(await encoder.encode(resized, 1), golden(from300));
      });
    }
  });
}

test('every stage of ResNet-50 equals the original', async (context) => {
  const weights = FORMATS['as published'](temporaryFolder(context), RESNET);
  const model = buildResNet50(tensorLayout(weights), { size: 224, stages: true });
  await assertStages(weights, model, oracle('resnet50_w8.json'), (stage) => stage);
});

test("every hidden state of CLIP's vision tower equals the original", async (context) => {
  const weights = FORMATS['as published'](temporaryFolder(context), CLIP);
  const model = buildClipVision(tensorLayout(weights), { headWidth: 16, stages: true });
  const nameOf = (stage: string): string =>
    stage.startsWith('embeddings') ? 'embedded' : `layer.${/\d+$/.exec(stage)?.[0]}`;
  const results = await assertStages(weights, model, oracle('clip_tiny.json'), nameOf);
  assertClose(results.pooled.data as Float32Array, golden('clip_pooled.npy'));
});

test('CLIP with GELU equals the formulas of the paper, and differs from QuickGELU', async (context) => {
  const published = (folder: string): string => FORMATS['as published'](folder, CLIP);
  const encoder = await open(context, 'clip-vit', published, { 'head-width': 16, activation: 'gelu' });
  const features = await encoder.encode(await twoPatches(), 2);
  assertClose(features, golden('clip_image_embeds_gelu.npy'));
  assert.ok(largestDifference(features, golden('clip_image_embeds.npy')) > 1e-3, 'the activations differ');
});

describe('half-precision weights are converted to float32', () => {
  test('float16 as in PyTorch', async (context) => {
    const encoder = await open(context, 'clip-vit', (folder) => halved(folder, 'float16'), {
      'head-width': 16,
    });
    const features = await encoder.encode(await twoPatches(), 2);
    assertClose(features, golden('clip_image_embeds_f16_weights.npy'));
    assert.ok(largestDifference(features, golden('clip_image_embeds.npy')) > 1e-3, 'the results differ');
  });

  test('bfloat16 to the bits of the same numbers in float32', async (context) => {
    const [half, single] = await Promise.all(
      [false, true].map((widen) =>
        open(context, 'clip-vit', (folder) => halved(folder, 'bfloat16', widen), { 'head-width': 16 }),
      ),
    );
    const patches = await twoPatches();
    assert.deepEqual(await half.encode(patches, 2), await single.encode(patches, 2));
  });
});

describe('refuses a checkpoint of another network', () => {
  const refused: [string, string, (tensors: Tensors) => void, RegExp][] = [
    [
      'without a tensor',
      RESNET,
      (t) => delete t['layer2.1.bn3.running_var'],
      /no matching tensor layer2\.1\.bn3\.running_var.*found no tensor of this name/,
    ],
    [
      'of ResNet-18, whose blocks have two convolutions',
      RESNET,
      (t) =>
        Object.keys(t)
          .filter((name) => name.includes('conv3'))
          .forEach((name) => delete t[name]),
      /no matching tensor layer3\.0\.conv3\.weight.*expected shape \[n, n, 1, 1\]/,
    ],
    [
      'of ResNet-101',
      RESNET,
      (t) => (t['layer3.6.conv1.weight'] = t['layer3.5.conv1.weight']),
      /deeper network.*layer3\.6/,
    ],
    [
      'with grouped convolutions (ResNeXt)',
      RESNET,
      (t) => (t['layer1.0.conv2.weight'] = { ...t['layer1.0.conv2.weight'], shape: [16, 4, 3, 3] }),
      /layer1\.0\.conv2\.weight; expected shape \[8, 8, 3, 3\].*found \[16, 4, 3, 3\]/,
    ],
    [
      'CLIP without its projection',
      CLIP,
      (t) => delete t['visual_projection.weight'],
      /visual_projection\.weight/,
    ],
    [
      'CLIP with positions of another number of squares',
      CLIP,
      (t) => (t['vision_model.embeddings.position_embedding.weight'] = zeros([48, 64])),
      /do not form a square.*found 48/,
    ],
  ];
  for (const [what, source, change, message] of refused) {
    test(what, async (context) => {
      const weights = (folder: string): string => {
        const tensors = { ...readPt(source).tensors };
        change(tensors);
        const path = join(folder, 'changed.safetensors');
        writeSafetensors(path, tensors);
        return path;
      };
      const architecture = source === CLIP ? 'clip-vit' : 'resnet50';
      await assert.rejects(open(context, architecture, weights, { 'head-width': 16 }), {
        code: 'UnsupportedFormat',
        message,
      });
    });
  }
});

test('refuses a size without CLIP positions, or heads that do not divide the width, with both numbers', async (context) => {
  const weights = (folder: string): string => FORMATS['as published'](folder, CLIP);
  await assert.rejects(open(context, 'clip-vit', weights, { size: 96, 'head-width': 16 }), {
    code: 'InvalidInput',
    message: /one patch size; expected 224 .*found 96/,
  });
  await assert.rejects(open(context, 'clip-vit', weights, { 'head-width': 48 }), {
    code: 'UnsupportedFormat',
    message: /width divisible by 48; found 64/,
  });
});

test('runs a checkpoint in a read-only folder without leaving files', async (context) => {
  const folder = temporaryFolder(context);
  const path = FORMATS['as published'](folder, RESNET);
  const elsewhere = temporaryFolder(context);
  writeFileSync(
    join(elsewhere, 'encoder.yaml'),
    `{ name: mine, architecture: resnet50, weights: '${path}' }`,
  );
  chmodSync(folder, 0o555);
  try {
    const encoder = await (await findEncoder(join(elsewhere, 'encoder.yaml'))).open({ device: 'cpu' });
    assert.equal(encoder.info.dim, 128);
    assert.deepEqual(readdirSync(folder), ['published.pth']);
    await encoder.close();
  } finally {
    chmodSync(folder, 0o755);
  }
});

test('the key depends on the weights, the architecture and the head width', async (context) => {
  const folder = temporaryFolder(context);
  copyFileSync(CLIP, join(folder, 'clip.bin'));
  const keyOf = async (file: object): Promise<string> => {
    writeFileSync(join(folder, 'encoder.json'), JSON.stringify({ name: 'mine', ...file }));
    return JSON.stringify(keyOfEncoder((await findEncoder(join(folder, 'encoder.json'))).info));
  };
  const one = await keyOf({ architecture: 'clip-vit', weights: 'clip.bin', 'head-width': 16 });
  assert.match(one, /"weightsDigest":"sha256:/);
  assert.notEqual(await keyOf({ architecture: 'clip-vit', weights: 'clip.bin', 'head-width': 32 }), one);
  assert.equal(
    await keyOf({ architecture: 'clip-vit', weights: 'clip.bin', 'head-width': 16, note: 'n' }),
    one,
  );
});

async function open(
  context: TestContext,
  architecture: string,
  weights: (folder: string) => string,
  file: object,
): Promise<OpenEncoder> {
  const folder = temporaryFolder(context);
  const path = join(folder, 'encoder.yaml');
  writeFileSync(path, JSON.stringify({ name: 'mine', architecture, weights: weights(folder), ...file }));
  const encoder = await (await findEncoder(path)).open({ device: 'cpu', threads: 2 });
  context.after(() => encoder.close());
  return encoder;
}

/** CLIP weights rounded to float16 (to nearest, ties to even), and converted back if requested. */
function halved(folder: string, dtype: 'float16' | 'bfloat16', widen = false): string {
  const path = join(folder, `${dtype}.safetensors`);
  const tensors = Object.entries(readPt(CLIP).tensors).map(([name, tensor]): [string, Tensor] => {
    if (!(tensor.data instanceof Float32Array)) return [name, tensor];
    const rounded = tensor.data.map(dtype === 'float16' ? nearestFloat16 : nearestBfloat16);
    if (widen) return [name, { ...tensor, data: rounded }];
    const bits = dtype === 'float16' ? float16Bits : (value: number): number => float32Bits(value) >>> 16;
    return [name, { dtype, shape: tensor.shape, data: Uint16Array.from(rounded, bits) }];
  });
  writeSafetensors(path, Object.fromEntries(tensors));
  return path;
}

function float32Bits(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0];
}

function nearestBfloat16(value: number): number {
  const bits = float32Bits(value);
  const rounded = (bits + 0x7fff + ((bits >>> 16) & 1)) & 0xffff0000;
  return new Float32Array(Uint32Array.of(rounded).buffer)[0];
}

/** Distance between neighboring float16 values at `value`: 11 significant bits, 2^-24 at the smallest. */
function float16Step(value: number): number {
  return 2 ** Math.max(-24, Math.floor(Math.log2(Math.abs(value))) - 10);
}

function nearestFloat16(value: number): number {
  if (value === 0) return 0;
  const step = float16Step(value);
  const [lower, fraction] = [Math.floor(value / step), value / step - Math.floor(value / step)];
  const up = fraction > 0.5 || (fraction === 0.5 && lower % 2 !== 0);
  return (lower + (up ? 1 : 0)) * step;
}

/** Bits of a number that float16 represents exactly. */
function float16Bits(value: number): number {
  const sign = value < 0 ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
}

function zeros(shape: number[]): Tensor {
  return { dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)) };
}

async function twoPatches(): Promise<Uint8Array> {
  const patches = await Promise.all(
    ['patch0', 'patch1'].map((name) => fixturePixels(`encoders/${name}.png`)),
  );
  return Buffer.concat(patches.map(({ data }) => data));
}

async function assertStages(
  weights: string,
  model: Uint8Array,
  { mean, std, stages }: Oracle,
  nameOf: (stage: string) => string,
): Promise<InferenceSession.OnnxValueMapType> {
  const { session } = await openSession(weights, { device: 'cpu', threads: 2, model });
  const image = new Float32Array(2 * 3 * 224 * 224);
  normalize(await twoPatches(), 2, 224 * 224, createNormalizer(mean, std), image);
  const { Tensor } = await loadOnnxRuntime();
  const results = await session.run({ image: new Tensor('float32', image, [2, 3, 224, 224]) });
  assert.ok(Object.keys(stages).length > 3);
  for (const [stage, probe] of Object.entries(stages)) {
    const found = results[nameOf(stage)];
    assert.deepEqual(found.dims, probe.shape, stage);
    const data = found.data as Float32Array;
    assertClose(
      Float32Array.from(probe.flat_indices, (at) => data[at]),
      Float32Array.from(probe.values),
      stage,
    );
  }
  await session.release();
  return results;
}

function largestDifference(found: Float32Array, expected: Float32Array): number {
  assert.equal(found.length, expected.length);
  return found.reduce((worst, value, i) => Math.max(worst, Math.abs(value - expected[i])), 0);
}

function assertClose(found: Float32Array, expected: Float32Array, what = 'features'): void {
  const worst = largestDifference(found, expected);
  assert.ok(worst < TOLERANCE, `${what}: largest difference ${worst}`);
}
