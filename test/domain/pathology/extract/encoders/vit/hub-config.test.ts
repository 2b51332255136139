import assert from 'node:assert/strict';
import { copyFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { findEncoder, keyOfEncoder } from '../../../../../../domain/pathology/extract/encoders/encoders.js';
import type { EncoderInfo } from '../../../../../../domain/pathology/extract/encoders/encoder.js';
import { fixture } from '../../../../../support/fixtures.js';
import { changedVit } from '../../../../../support/vit-fixtures.js';
import { temporaryFolder } from '../../../../../support/temporary-folder.js';

const IMAGE = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** Reads an encoder file beside a copy of the weights, with config.json as given. */
async function infoOf(
  context: TestContext,
  source: string,
  { config, keys = {}, files = {} }: { config?: unknown; keys?: object; files?: Record<string, unknown> },
): Promise<EncoderInfo> {
  const folder = temporaryFolder(context);
  copyFileSync(fixture('vit', source), join(folder, 'weights'));
  const written = { ...files, ...(config !== undefined && { 'config.json': config }) };
  for (const [name, value] of Object.entries(written))
    writeFileSync(join(folder, name), JSON.stringify(value));
  const encoder = join(folder, 'encoder.yaml');
  writeFileSync(encoder, JSON.stringify({ name: 'mine', architecture: 'vit', weights: 'weights', ...keys }));
  return (await findEncoder(encoder)).info;
}

const HF = 'hf_vit_p16/model.safetensors';
const HF_CONFIG = {
  model_type: 'vit',
  hidden_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 2,
  patch_size: 16,
  image_size: 64,
  intermediate_size: 128,
  layer_norm_eps: 1e-6,
  hidden_act: 'gelu',
  qkv_bias: true,
};

const TIMM = 'timm_plain_p8/model.safetensors';
const timmConfig = (args: object, rest: object = {}): object => ({
  architecture: 'vit_small_patch8_224',
  num_features: 36,
  model_args: { img_size: 48, patch_size: 8, embed_dim: 36, depth: 2, num_heads: 3, ...args },
  pretrained_cfg: { mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6], interpolation: 'bilinear' },
  ...rest,
});

test('heads, epsilon, normalization and filter come from the files of the hub', async (context) => {
  const timm = await infoOf(context, TIMM, { config: timmConfig({}) });
  assert.deepEqual([timm.mean, timm.std, timm.resize], [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], 'bilinear']);
  assert.deepEqual([timm.inputSize, timm.dim], [48, 36]);
  assert.deepEqual(timm.architecture?.vit, { heads: 3 });
  const hf = await infoOf(context, HF, {
    config: { ...HF_CONFIG, layer_norm_eps: 1e-12 },
    files: { 'preprocessor_config.json': { image_mean: [1, 2, 3], image_std: [4, 5, 6], resample: 2 } },
  });
  assert.deepEqual([hf.mean, hf.std, hf.resize], [[1, 2, 3], [4, 5, 6], 'bilinear']);
  assert.deepEqual(hf.architecture?.vit, { heads: 2, epsilon: 1e-12, activation: 'gelu' });
});

test('the encoder file comes before the files of the hub', async (context) => {
  const keys = { ...IMAGE, heads: 4, epsilon: 1e-5, resize: 'bicubic', output: 'cls+mean', size: 64 };
  const info = await infoOf(context, HF, { config: HF_CONFIG, keys });
  assert.deepEqual(info.architecture?.vit, {
    heads: 4,
    epsilon: 1e-5,
    activation: 'gelu',
    output: 'cls+mean',
  });
  assert.deepEqual([info.mean, info.resize, info.dim], [IMAGE.mean, 'bicubic', 64]);
});

test('the key depends on what the tensors do not show', async (context) => {
  const keys = await Promise.all(
    [{}, { heads: 4 }, { epsilon: 1e-5 }, { activation: 'quick-gelu' }, { output: 'mean' }].map(
      async (more) =>
        JSON.stringify(
          keyOfEncoder(await infoOf(context, HF, { config: HF_CONFIG, keys: { ...IMAGE, ...more } })),
        ),
    ),
  );
  assert.equal(new Set(keys).size, keys.length);
});

describe('a configuration that contradicts the tensors is refused by the name of its value', () => {
  const contradictions: [string, string, object, RegExp][] = [
    ['transformers: width', HF, { ...HF_CONFIG, hidden_size: 48 }, /hidden_size 48.*in the tensors: 32/],
    ['transformers: blocks', HF, { ...HF_CONFIG, num_hidden_layers: 3 }, /num_hidden_layers 3.*tensors: 2/],
    ['transformers: patch', HF, { ...HF_CONFIG, patch_size: [14, 14] }, /patch_size 14.*tensors: 16/],
    ['transformers: image', HF, { ...HF_CONFIG, image_size: 224 }, /image_size 224.*tensors: 64/],
    ['transformers: perceptron', HF, { ...HF_CONFIG, intermediate_size: 64 }, /intermediate_size 64/],
    ['transformers: registers', HF, { ...HF_CONFIG, num_register_tokens: 4 }, /num_register_tokens 4/],
    ['transformers: gate', HF, { ...HF_CONFIG, use_swiglu_ffn: true }, /use_swiglu_ffn true.*tensors: false/],
    ['transformers: activation', HF, { ...HF_CONFIG, hidden_act: 'gelu_new' }, /hidden_act: gelu.*gelu_new/],
    ['timm: depth', TIMM, timmConfig({ depth: 12 }), /model_args\.depth 12.*in the tensors: 2/],
    ['timm: registers', TIMM, timmConfig({ reg_tokens: 4 }), /model_args\.reg_tokens 4.*tensors: 0/],
    ['timm: ratio', TIMM, timmConfig({ mlp_ratio: 2 }), /model_args\.mlp_ratio 72.*tensors: 144/],
    ['timm: class', TIMM, timmConfig({ no_embed_class: true }), /model_args\.no_embed_class false/],
    ['timm: width', TIMM, timmConfig({}, { num_features: 768 }), /num_features 768.*tensors: 36/],
  ];
  for (const [what, source, config, message] of contradictions) {
    test(what, async (context) => {
      await assert.rejects(infoOf(context, source, { config, keys: IMAGE }), { message });
    });
  }
});

describe('what nothing states is asked for', () => {
  test('heads', async (context) => {
    await assert.rejects(infoOf(context, TIMM, { keys: IMAGE }), {
      message: /heads.*divisor of the width 36/,
    });
    const named = timmConfig({ num_heads: undefined });
    await assert.rejects(infoOf(context, TIMM, { config: named }), { message: /set `heads`/ });
  });

  test('normalization', async (context) => {
    await assert.rejects(infoOf(context, HF, { config: HF_CONFIG }), {
      message: /`mean` and `std`.*config\.json/,
    });
  });

  test('the grid of positions that do not fit the stated image size', async (context) => {
    const source = 'timm_swiglu_p14_reg4_in_pos/model.safetensors';
    const keys = { ...IMAGE, heads: 4 };
    assert.equal((await infoOf(context, source, { keys })).inputSize, 56);
    const message = /rows for images of 224 pixels and patches of 14; found 21 rows \(5 \+ 4 x 4\)/;
    await assert.rejects(infoOf(context, source, { keys: { ...keys, 'image-size': 224 } }), { message });
  });

  test('the grid, where the number of positions allows several', async (context) => {
    // 25 positions and 8 registers: 5 x 5 patches alone, or 9 rows and 4 x 4 patches.
    const weights = changedVit(context, 'odd/good.safetensors', (tensors) => {
      const zeros = (...shape: number[]) => ({
        ...{ dtype: 'float32' as const, shape },
        data: new Float32Array(shape.reduce((a, b) => a * b)),
      });
      tensors.pos_embed = zeros(1, 25, 8);
      tensors.reg_token = zeros(1, 8, 8);
    });
    const keys = { weights, heads: 2, ...IMAGE };
    const source = 'odd/good.safetensors';
    writeFileSync(join(dirname(weights), 'config.json'), '{}');
    await assert.rejects(infoOf(context, source, { keys }), {
      message: /several grids; expected `image-size`: 40 or 32; found 0 \+ 5 x 5 or 9 \+ 4 x 4/,
    });
    for (const size of [32, 40]) {
      const info = await infoOf(context, source, { keys: { ...keys, 'image-size': size } });
      assert.equal(info.inputSize, size);
    }
  });

  test('a pooler that the checkpoint does not have', async (context) => {
    const keys = { ...IMAGE, output: 'pooled' };
    await assert.rejects(infoOf(context, HF, { config: HF_CONFIG, keys }), { message: /has no pooler/ });
  });
});

test('a configuration that is named must be one, and another config.json beside the weights may be anything', async (context) => {
  const keys = { ...IMAGE, heads: 2 };
  await infoOf(context, HF, { config: { name: 'an app' }, keys });
  await assert.rejects(
    infoOf(context, HF, { config: { name: 'an app' }, keys: { ...keys, config: 'config.json' } }),
    { message: /not the configuration of a vision transformer.*the keys name/ },
  );
});

test('keys of other architectures are refused', async (context) => {
  await assert.rejects(infoOf(context, HF, { keys: { ...IMAGE, 'head-width': 16 } }), {
    message: /head-width/,
  });
});
