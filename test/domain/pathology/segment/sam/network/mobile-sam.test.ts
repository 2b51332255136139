import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { tensorLayout } from '../../../../../../domain/files/torch/torch-layout.js';
import { openSamModel } from '../../../../../../domain/pathology/segment/sam/network/open-sam-model.js';
import {
  buildSamEncoder,
  samDesign,
} from '../../../../../../domain/pathology/segment/sam/network/sam-graph.js';
import { samInput } from '../../../../../../domain/pathology/segment/sam/network/sam-preprocess.js';
import { expectError } from '../../../../../support/expect-error.js';
import { fixture } from '../../../../../support/fixtures.js';
import { samJson } from '../../../../../support/sam-case.js';
import { checkProbe, farthest, type Probe, runGraph, samNpy } from '../../../../../support/sam-networks.js';
import { samImage } from '../../../../../support/small-sam.js';
import { temporaryFolder } from '../../../../../support/temporary-folder.js';

/** Results of the MobileSAM code with reduced sizes and random weights. */
interface MobileCase {
  decoder_num_heads: number;
  image_size: number;
  points_xy: [number, number][];
  stages: Record<string, Probe>;
  iou_predictions: number[][];
  low_res_logits: Probe;
}

const CHECKPOINT = fixture('sam/mobile_small.pt');
const expected = samJson<MobileCase>('mobile_small');
const hints = { decoderHeads: expected.decoder_num_heads, imageSize: expected.image_size };

test('every stage of the MobileSAM image encoder equals the original code', async () => {
  const stages = new Map<string, string>();
  const { rgb, width, height } = await samImage();
  const side = expected.image_size;
  const image = { data: samInput(rgb, width, height, side), shape: [1, 3, side, side] };
  const output = await runGraph(CHECKPOINT, buildSamEncoder(tensorLayout(CHECKPOINT), hints, stages), {
    image,
  });
  const names = Object.keys(expected.stages);
  assert.equal(names.length, 4);
  for (const long of names) {
    const name = long.replace(/ \(.*/, '');
    const probe = expected.stages[long];
    const [, tokens, channels] = probe.shape;
    const place = (index: number): number => (index % channels) * tokens + Math.floor(index / channels);
    checkProbe(name, output(stages.get(name) ?? name), probe, 1e-4, place);
  }
});

test('the embedding, masks and qualities of MobileSAM equal the original code', async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'mobile_small.pt');
  copyFileSync(CHECKPOINT, path);
  const model = await openSamModel({ path, folder, digest: 'sha256:', ...hints }, { device: 'cpu' });
  const { rgb, width, height } = await samImage();
  const embedding = await model.embed(rgb, width, height);
  assert.equal(model.imageSize, expected.image_size);
  assert.ok(farthest(embedding.data, samNpy('mobile_embedding', folder)) <= 1e-4);
  const masks = await model.decode(embedding, Float64Array.from(expected.points_xy.flat()));
  assert.ok(farthest(masks.iou, expected.iou_predictions.flat()) <= 1e-5);
  checkProbe('logits', masks.logits, expected.low_res_logits, 1e-5);
  await model.close();
});

test('the image side is 1024 pixels by default and must be a multiple of 16', () => {
  const tensors = tensorLayout(CHECKPOINT);
  assert.deepEqual(samDesign(tensors), { encoder: 'tiny-vit', imageSize: 1024, grid: 64, width: 24 });
  expectError('InvalidInput', ['multiple of 16', '1000'], () => samDesign(tensors, { imageSize: 1000 }));
});

test('refuses a TinyViT whose windows are not square', () => {
  const tensors = new Map(tensorLayout(CHECKPOINT));
  const name = 'image_encoder.layers.1.blocks.0.attn.attention_biases';
  const biases = tensors.get(name);
  assert.ok(biases);
  tensors.set(name, { ...biases, shape: [biases.shape[0], 48] });
  expectError('UnsupportedFormat', [name, 'square'], () => buildSamEncoder(tensors, hints));
});
