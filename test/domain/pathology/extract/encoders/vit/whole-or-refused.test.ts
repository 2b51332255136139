import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { Tensor } from '../../../../../../domain/files/tensor.js';
import { fixture } from '../../../../../support/fixtures.js';
import { temporaryFolder } from '../../../../../support/temporary-folder.js';
import {
  changedVit,
  expectedValues,
  largestDifference,
  openVit,
  patchesOf,
  type Tensors,
} from '../../../../../support/vit-fixtures.js';

const GOOD = 'odd/good.safetensors';
const KEYS = { name: 'tiny', architecture: 'vit' };
const IMAGES = ['a_32.png', 'b_32.png'];

const zeros = (...shape: number[]): Tensor => ({
  dtype: 'float32',
  shape,
  data: new Float32Array(shape.reduce((product, size) => product * size, 1)),
});

async function assertGood(context: TestContext, keys: Record<string, unknown>): Promise<void> {
  const encoder = await openVit(context, { ...KEYS, ...keys });
  const features = await encoder.encode(await patchesOf(IMAGES), 2);
  const worst = largestDifference(features, expectedValues('odd', 'good.features.npy'));
  assert.ok(worst < 3e-5, `largest difference ${worst}`);
}

describe('gives the same features from', () => {
  for (const file of ['good.safetensors', 'legacy.pth', 'zip64.bin', 'strided.bin']) {
    test(file, (context) => assertGood(context, { weights: fixture('vit/odd', file) }));
  }

  const renamed = (prefix: string) => (tensors: Tensors) => {
    for (const [name, tensor] of Object.entries(tensors)) {
      delete tensors[name];
      tensors[prefix + name] = tensor;
    }
  };
  for (const prefix of ['module.', 'model.', 'state_dict.model.', 'teacher.backbone.']) {
    test(`a checkpoint with the prefix ${prefix}`, (context) =>
      assertGood(context, { weights: changedVit(context, GOOD, renamed(prefix)) }));
  }

  test('a checkpoint with heads and a mask token', (context) =>
    assertGood(context, {
      weights: changedVit(context, GOOD, (tensors) => {
        Object.assign(tensors, {
          'head.weight': zeros(3, 8),
          'head.bias': zeros(3),
          mask_token: zeros(1, 8),
        });
      }),
    }));

  test('tensors of another network, by its prefix', (context) =>
    assertGood(context, { weights: changedVit(context, GOOD, studentAndTeacher), prefix: 'teacher' }));

  test('unknown tensors that the encoder file ignores', (context) =>
    assertGood(context, {
      weights: changedVit(context, GOOD, (tensors) => {
        Object.assign(tensors, {
          'adapter.down': zeros(2),
          'adapter.up': zeros(2),
          'blocks.0.note': zeros(1),
        });
      }),
      ignore: ['adapter.*', 'blocks.0.note'],
    }));

  test('matrices of gate and factor in one tensor, or in two', async (context) => {
    const gated = (split: boolean) => (tensors: Tensors) => {
      for (const block of [0, 1, 2]) {
        const name = `blocks.${block}.mlp.`;
        const values = Float32Array.from({ length: 32 * 8 }, (_, i) => Math.sin(i + block) / 4);
        const rows = (from: number, end: number): Tensor => ({
          dtype: 'float32',
          shape: [end - from, 8],
          data: values.slice(from * 8, end * 8),
        });
        const halves = { fc1_g: [0, 16], fc1_x: [16, 32] } as const;
        const parts: Readonly<Record<string, readonly [number, number]>> = split ? halves : { fc1: [0, 32] };
        delete tensors[`${name}fc1.weight`];
        delete tensors[`${name}fc1.bias`];
        for (const [part, [from, end]] of Object.entries(parts)) {
          tensors[`${name}${part}.weight`] = rows(from, end);
          tensors[`${name}${part}.bias`] = zeros(end - from);
        }
      }
    };
    const [one, two] = await Promise.all(
      [false, true].map(async (split) => {
        const weights = changedVit(context, GOOD, gated(split));
        const keys = { weights, heads: 2, config: plainConfig(context), mean: [0, 0, 0], std: [1, 1, 1] };
        return (await openVit(context, { ...KEYS, ...keys })).encode(await patchesOf(IMAGES), 2);
      }),
    );
    assert.ok(largestDifference(one, two) < 1e-5);
    assert.ok(largestDifference(one, expectedValues('odd', 'good.features.npy')) > 1e-2);
  });
});

describe('refuses', () => {
  const refused: [string, (tensors: Tensors) => void, RegExp][] = [
    [
      'a missing tensor',
      (t) => delete t['blocks.1.mlp.fc2.bias'],
      /blocks\.1\.mlp\.fc2\.bias.*no tensor of this/,
    ],
    ['a missing class token', (t) => delete t.cls_token, /cls_token.*no tensor of this name/],
    [
      'a transposed matrix',
      (t) => (t['blocks.0.mlp.fc1.weight'] = { ...t['blocks.0.mlp.fc1.weight'], shape: [8, 16] }),
      /blocks\.0\.mlp\.fc1\.weight; expected shape \[16, 8\].*found \[8, 16\]/,
    ],
    [
      'a missing block',
      (t) => deleteBelow(t, 'blocks.1.'),
      /no tensors of block blocks\.1\.; expected 3 blocks/,
    ],
    [
      'a layer of another width',
      (t) => (t['blocks.2.attn.proj.weight'] = zeros(9, 8)),
      /blocks\.2\.attn\.proj\.weight; expected shape \[8, 8\].*found \[9, 8\]/,
    ],
    [
      'rows of neither a plain nor a gated perceptron',
      (t) => (t['blocks.2.mlp.fc1.weight'] = zeros(13, 8)),
      /blocks\.2\.mlp\.fc1\.weight.*found \[13, 8\]/,
    ],
    ['positions that form no square', (t) => (t.pos_embed = zeros(1, 15, 8)), /pos_embed.*found 15 rows/],
    [
      'tensors in a block that are not computed',
      (t) => (t['blocks.0.attn.q_norm.weight'] = zeros(4)),
      /1 more: blocks\.0\.attn\.q_norm\.weight/,
    ],
    ['tensors beside the network', (t) => (t['adapter.up'] = zeros(4)), /1 more: adapter\.up/],
    ['LayerScale in one block only', (t) => delete t['blocks.1.ls2.gamma'], /blocks\.1\.ls2\.gamma/],
    [
      'biases of qkv in some blocks only',
      (t) => delete t['blocks.1.attn.qkv.bias'],
      /blocks\.1\.attn\.qkv\.bias/,
    ],
    ['patches that are not square', (t) => (t['patch_embed.proj.weight'] = zeros(8, 3, 8, 4)), /patch_embed/],
    ['several networks', studentAndTeacher, /several networks.*"student\.", "teacher\."/],
  ];
  for (const [what, change, message] of refused) {
    test(what, async (context) => {
      const weights = changedVit(context, GOOD, change);
      await assert.rejects(openVit(context, { ...KEYS, weights }), { message });
    });
  }

  test('a pickle that calls a function, by its name', async (context) => {
    const weights = fixture('vit/odd/calls_a_function.bin');
    await assert.rejects(openVit(context, { ...KEYS, weights }), { message: /builtins\.print/ });
  });

  const texts: [string, string, RegExp][] = [
    [
      'a Git LFS pointer',
      'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n',
      /Git LFS pointer/,
    ],
    ['a web page', '\n<!DOCTYPE html><html><title>401</title></html>', /web page, not a checkpoint/],
  ];
  for (const [what, text, message] of texts) {
    test(`${what} in place of weights`, async (context) => {
      const weights = join(temporaryFolder(context), 'model.safetensors');
      writeFileSync(weights, text);
      await assert.rejects(openVit(context, { ...KEYS, weights }), { message });
    });
  }

  test('a safetensors file that was cut', async (context) => {
    const folder = temporaryFolder(context);
    const weights = join(folder, 'cut.safetensors');
    const bytes = readFileSync(fixture('vit', GOOD));
    writeFileSync(weights, bytes.subarray(0, bytes.length - 1000));
    copyFileSync(fixture('vit/odd/config.json'), join(folder, 'config.json'));
    const message = /shorter than its header says; expected 14208 bytes of values; found 13208/;
    await assert.rejects(openVit(context, { ...KEYS, weights }), { message });
  });

  test('heads that do not divide the width', async (context) => {
    const keys = { ...KEYS, weights: fixture('vit', GOOD), heads: 3 };
    await assert.rejects(openVit(context, keys), { message: /`heads` that divide the width 8; found 3/ });
  });

  test('a size that patches do not divide', async (context) => {
    const weights = fixture('vit', GOOD);
    await assert.rejects(openVit(context, { ...KEYS, weights, size: 36 }), {
      message: /multiple of 8 pixels per side; found 36/,
    });
  });
});

function studentAndTeacher(tensors: Tensors): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    delete tensors[name];
    tensors[`teacher.${name}`] = tensor;
    tensors[`student.${name}`] = zeros(...tensor.shape);
  }
}

function deleteBelow(tensors: Tensors, start: string): void {
  for (const name of Object.keys(tensors)) if (name.startsWith(start)) delete tensors[name];
}

/** The configuration of the small model without its ratio of the perceptron. */
function plainConfig(context: TestContext): string {
  const config = JSON.parse(readFileSync(fixture('vit/odd/config.json'), 'utf8')) as {
    model_args: Record<string, unknown>;
  };
  delete config.model_args.mlp_ratio;
  const path = join(temporaryFolder(context), 'config.json');
  writeFileSync(path, JSON.stringify(config));
  assert.notEqual(dirname(path), dirname(fixture('vit', GOOD)));
  return path;
}
