import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSafetensors, writeSafetensors } from '../../../../../../domain/files/safetensors.js';
import { type TensorLayout, tensorLayout } from '../../../../../../domain/files/torch/torch-layout.js';
import { writePt } from '../../../../../../domain/files/torch/torch-pt.js';
import {
  openSamModel,
  prepareSam,
} from '../../../../../../domain/pathology/segment/sam/network/open-sam-model.js';
import {
  buildSamDecoder,
  buildSamEncoder,
  samDesign,
} from '../../../../../../domain/pathology/segment/sam/network/sam-graph.js';
import { expectError } from '../../../../../support/expect-error.js';
import { fixture } from '../../../../../support/fixtures.js';
import { PUBLISHED_SAMS, publishedLayout, type PublishedSam } from '../../../../../support/sam-layout.js';
import { openSmallSam, samImage } from '../../../../../support/small-sam.js';
import { temporaryFolder } from '../../../../../support/temporary-folder.js';

const SMALL = fixture('sam/sam_small.safetensors');
const HEADS = { decoderHeads: 4 };

test('the zip format of torch, prefixed names, and safetensors give the same bits', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'wrapped.pth');
  const tensors = Object.entries(readSafetensors(SMALL).tensors);
  writePt(path, { tensors: Object.fromEntries(tensors.map(([name, tensor]) => [`module.${name}`, tensor])) });
  const { rgb, width, height } = await samImage();
  const embeddings: Float32Array[] = [];
  const wrapped = { path, folder, digest: 'sha256:', ...HEADS };
  for (const model of [
    await openSmallSam(folder),
    await openSamModel(wrapped, { device: 'cpu', threads: 2 }),
  ]) {
    const embedding = await model.embed(rgb, width, height);
    embeddings.push(embedding.data, (await model.decode(embedding, Float64Array.of(210, 150))).logits);
    await model.close();
  }
  assert.deepEqual(embeddings[2], embeddings[0]);
  assert.deepEqual(embeddings[3], embeddings[1]);
});

test('graphs are written next to the checkpoint only if they are missing or differ', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'small.safetensors');
  copyFileSync(SMALL, path);
  const weights = { path, folder, digest: 'sha256:', ...HEADS };
  await prepareSam(weights);
  const graphs = ['small.safetensors.decoder.onnx', 'small.safetensors.encoder.onnx'];
  assert.deepEqual(readdirSync(folder).sort(), ['small.safetensors', ...graphs]);
  const [decoder, encoder] = graphs.map((name) => join(folder, name));
  assert.deepEqual(
    Uint8Array.from(readFileSync(encoder)),
    Uint8Array.from(buildSamEncoder(tensorLayout(path))),
  );
  const before = statSync(encoder).ino;
  writeFileSync(decoder, 'damaged');
  await prepareSam(weights);
  assert.equal(statSync(encoder).ino, before);
  assert.ok(readFileSync(decoder).length > 1000);
  await assert.rejects(prepareSam({ ...weights, folder: fixture('sam') }), { code: 'InvalidInput' });
});

test('every used tensor is checked by name and shape', () => {
  const tensors = tensorLayout(SMALL);
  // Box and mask prompts are not used here; the fourth mask is only for unambiguous prompts.
  const unused = /prompt_encoder\.(point_embeddings\.[023]|mask_downscaling)|hypernetworks_mlps\.0\./;
  const build = (changed: ReadonlyMap<string, TensorLayout>): void => {
    buildSamEncoder(changed, HEADS);
    buildSamDecoder(changed, HEADS);
  };
  let used = 0;
  for (const [name, tensor] of tensors) {
    if (unused.test(name)) continue;
    used++;
    const without = new Map(tensors);
    without.delete(name);
    expectError('UnsupportedFormat', ['sam_small.safetensors', /no matching tensor/], () => build(without));
    const misshapen = new Map(tensors).set(name, {
      ...tensor,
      shape: [...tensor.shape, 2],
      strides: [...tensor.strides, 1],
    });
    expectError('UnsupportedFormat', ['sam_small.safetensors', name, '2]'], () => build(misshapen));
  }
  assert.equal(used, 188 - 3 - 10 - 6);
});

test('refuses a size that does not fit the others, with both sizes', () => {
  const tensors = tensorLayout(SMALL);
  const cases: [name: string, shape: number[], words: string[]][] = [
    ['image_encoder.pos_embed', [1, 16, 15, 48], ['[1, 16, 16, 48]', '[1, 16, 15, 48]']],
    ['image_encoder.blocks.0.attn.rel_pos_h', [12, 12], ['odd', '[12, 12]']],
    ['image_encoder.blocks.2.attn.rel_pos_h', [33, 12], ['at most 31', '[33, 12]']],
    ['image_encoder.blocks.1.attn.rel_pos_w', [31, 12], ['[13, 12]', '[31, 12]']],
    ['mask_decoder.mask_tokens.weight', [3, 64], ['[4, 64]', '[3, 64]']],
    ['prompt_encoder.no_mask_embed.weight', [1, 32], ['32']],
  ];
  for (const [name, shape, words] of cases) {
    const tensor = tensors.get(name);
    assert.ok(tensor, name);
    const changed = new Map(tensors).set(name, { ...tensor, shape });
    expectError('UnsupportedFormat', words, () => {
      buildSamEncoder(changed, HEADS);
      buildSamDecoder(changed, HEADS);
    });
  }
});

test('the number of heads must be specified if it is not the published one, and must fit', () => {
  const tensors = tensorLayout(SMALL);
  expectError('InvalidInput', ['heads', '64 wide', 'decoder-heads'], () => buildSamDecoder(tensors));
  expectError('UnsupportedFormat', ['self_attn.q_proj.weight', '5 heads'], () => {
    buildSamDecoder(tensors, { decoderHeads: 5 });
  });
});

test('a misfitting checkpoint leaves no graph behind', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'other.safetensors');
  const { tensors } = readSafetensors(SMALL);
  const rest = Object.entries(tensors).filter(([name]) => name !== 'mask_decoder.iou_token.weight');
  writeSafetensors(path, Object.fromEntries(rest));
  const weights = { path, folder, digest: 'sha256:', ...HEADS };
  await assert.rejects(prepareSam(weights), {
    code: 'UnsupportedFormat',
    message: /mask_decoder\.iou_token\.weight/,
  });
  await assert.rejects(openSamModel(weights), { code: 'UnsupportedFormat', message: /other\.safetensors/ });
  writeSafetensors(path, { weight: tensors['mask_decoder.iou_token.weight'] });
  await assert.rejects(openSamModel(weights), { code: 'UnsupportedFormat', message: /no_mask_embed/ });
  assert.deepEqual(readdirSync(folder), ['other.safetensors']);
});

test('refuses a truncated checkpoint by name', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'short.safetensors');
  copyFileSync(SMALL, path);
  truncateSync(path, 1_000_000);
  const weights = { path, folder, digest: 'sha256:', ...HEADS };
  await assert.rejects(openSamModel(weights), { code: 'InvalidInput', message: /short\.safetensors/ });
});

for (const name of Object.keys(PUBLISHED_SAMS) as PublishedSam[]) {
  test(`${name}: the published sizes build both graphs`, () => {
    const tensors = publishedLayout(name);
    assert.deepEqual(samDesign(tensors), { encoder: 'vit', imageSize: 1024, grid: 64, width: 256 });
    // The graph contains only names and offsets; the weights stay in the checkpoint.
    assert.ok(buildSamEncoder(tensors).length < 2_000_000);
    assert.ok(buildSamDecoder(tensors).length < 200_000);
  });
}
