import assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { tensorLayout } from '../../../../../../domain/files/torch/torch-layout.js';
import {
  buildSamDecoder,
  buildSamEncoder,
} from '../../../../../../domain/pathology/segment/sam/network/sam-graph.js';
import {
  samInput,
  samPoints,
  scaledSize,
} from '../../../../../../domain/pathology/segment/sam/network/sam-preprocess.js';
import { fixture } from '../../../../../support/fixtures.js';
import { samJson } from '../../../../../support/sam-case.js';
import {
  checkProbe,
  farthest,
  type Networks,
  runGraph,
  samNpy,
} from '../../../../../support/sam-networks.js';
import { openSmallSam, samImage } from '../../../../../support/small-sam.js';
import { temporaryFolder } from '../../../../../support/temporary-folder.js';

const SIDE = 256;
const GRID = 16;
const AREA = GRID * GRID;
const WIDTH = 64;
const UPSCALED = WIDTH / 8;
const expected = samJson<Networks>('networks');
const points = Float64Array.from(expected.points_xy.flat());

/** Where what the original keeps as channels x tokens lies in tokens x channels. */
const byToken = (index: number): number => (index % AREA) * WIDTH + Math.floor(index / AREA);

/**
 * Where the original's pixel of n x channels x 64 x 64 lies among ours: by token, then by its four quarters,
 * twice.
 */
function byQuarters(index: number): number {
  const side = 4 * GRID;
  const x = index % side;
  const y = Math.floor(index / side) % side;
  const channel = Math.floor(index / side ** 2) % UPSCALED;
  const point = Math.floor(index / (side ** 2 * UPSCALED));
  const token = point * AREA + (y >> 2) * GRID + (x >> 2);
  const quarter = (((y >> 1) & 1) * 2 + ((x >> 1) & 1)) * 4 + (y & 1) * 2 + (x & 1);
  return (token * 16 + quarter) * UPSCALED + channel;
}

function smallCheckpoint(context: TestContext): string {
  const path = join(temporaryFolder(context), 'sam_small.safetensors');
  copyFileSync(fixture('sam/sam_small.safetensors'), path);
  return path;
}

test('resizes, normalizes and pads an image like the original', async () => {
  const { rgb, width, height } = await samImage();
  assert.deepEqual(scaledSize(width, height, SIDE), {
    width: expected.resized.width,
    height: expected.resized.height,
  });
  const input = samInput(rgb, width, height, SIDE);
  checkProbe('preprocessed', input, expected.preprocessed, 1e-5);
  expected.preprocessed.channel_mean_unpadded.forEach((mean, channel) => {
    const from = channel * SIDE * SIDE;
    const plane = input.subarray(from, from + SIDE * expected.resized.height);
    assert.ok(Math.abs(plane.reduce((sum, value) => sum + value, 0) / plane.length - mean) < 1e-5);
    const padding = input.subarray(from + SIDE * expected.resized.height, from + SIDE * SIDE);
    assert.ok(padding.every((value) => value === 0));
  });
});

test('pads a tall image at the right', () => {
  const input = samInput(new Uint8Array(2 * 4 * 3).fill(255), 2, 4, 8);
  const white = (255 - 123.675) / 58.395;
  assert.equal(input[3], Math.fround(white));
  assert.deepEqual([...input.subarray(4, 8)], [0, 0, 0, 0]);
  assert.equal(input[7 * 8 + 3], Math.fround(white));
});

test('maps points to the padded square as in the original', async () => {
  const { width, height } = await samImage();
  const found = samPoints(points, { width, height }, scaledSize(width, height, SIDE), SIDE);
  const wanted = expected.model_frame_points_xy.flat().map((value) => (value + 0.5) / SIDE);
  assert.deepEqual(found, Float32Array.from(wanted));
});

test('every stage of the image encoder equals the original', async (context) => {
  const path = smallCheckpoint(context);
  const stages = new Map<string, string>();
  const { rgb, width, height } = await samImage();
  const image = { data: samInput(rgb, width, height, SIDE), shape: [1, 3, SIDE, SIDE] };
  const output = await runGraph(path, buildSamEncoder(tensorLayout(path), {}, stages), { image });
  const ours = (name: string): string => {
    if (name === 'neck.3') return 'embedding';
    return stages.get(name) ?? name;
  };
  const names = Object.keys(expected.encoder_stages);
  assert.equal(names.length, 7);
  for (const long of names) {
    const name = long.replace('image_encoder.', '').replace(/ \(.*/, '');
    const place = name === 'neck.0' || name === 'neck.1' ? byToken : undefined;
    checkProbe(name, output(ours(name)), expected.encoder_stages[long], 1e-4, place);
  }
});

test('every stage of the mask decoder equals the original', async (context) => {
  const path = smallCheckpoint(context);
  const folder = temporaryFolder(context);
  const stages = new Map<string, string>();
  const { width, height } = await samImage();
  const embedding = { data: samNpy('image_embedding', folder), shape: [1, WIDTH, GRID, GRID] };
  const places = samPoints(points, { width, height }, scaledSize(width, height, SIDE), SIDE);
  const model = buildSamDecoder(tensorLayout(path), { decoderHeads: 4 }, stages);
  const output = await runGraph(path, model, { embedding, points: { data: places, shape: [8, 2] } });
  const ours = (name: string): Float32Array => output(stages.get(name) ?? name);
  checkProbe('dense_pe', ours('dense_pe'), expected.dense_pe, 1e-5, byToken);
  assert.ok(farthest(ours('sparse_prompt_embeddings'), samNpy('points_sparse_embeddings', folder)) <= 1e-5);
  const names = Object.keys(expected.decoder_stages);
  assert.equal(names.length, 6);
  for (const long of names) {
    const name = long.replace(/mask_decoder\.(transformer[. ])?/, '').replace(/ \(.*/, '');
    const place = name === 'output_upscaling' ? byQuarters : undefined;
    checkProbe(name, ours(name), expected.decoder_stages[long], 1e-4, place);
  }
});

test('the embedding, masks and qualities equal the original', async (context) => {
  const folder = temporaryFolder(context);
  const model = await openSmallSam(folder);
  const { rgb, width, height } = await samImage();
  const embedding = await model.embed(rgb, width, height);
  assert.equal(model.imageSize, SIDE);
  assert.deepEqual(embedding.shape, [1, WIDTH, GRID, GRID]);
  assert.ok(farthest(embedding.data, samNpy('image_embedding', folder)) <= 1e-4);
  const masks = await model.decode(embedding, points);
  assert.equal(masks.side, 64);
  assert.ok(farthest(masks.iou, expected.iou_predictions.flat()) <= 1e-5);
  const logits = samNpy('points_low_res_logits', folder);
  assert.equal(masks.logits.length, logits.length);
  logits.forEach((wanted, i) => {
    assert.ok(Math.abs(masks.logits[i] - wanted) <= 2e-3 + 1e-5 * Math.abs(wanted), `logit ${i}`);
  });
  await model.close();
});

test('a point has the same masks alone and among others, and an image always has the same embedding', async (context) => {
  const model = await openSmallSam(temporaryFolder(context));
  const { rgb, width, height } = await samImage();
  const embedding = await model.embed(rgb, width, height);
  assert.deepEqual((await model.embed(rgb, width, height)).data, embedding.data);
  const all = await model.decode(embedding, points);
  const size = 3 * all.side ** 2;
  for (let point = 0; point < 8; point++) {
    const alone = await model.decode(embedding, points.slice(point * 2, point * 2 + 2));
    assert.deepEqual(alone.iou, all.iou.slice(point * 3, point * 3 + 3));
    assert.deepEqual(alone.logits, all.logits.slice(point * size, (point + 1) * size));
  }
  const none = await model.decode(embedding, new Float64Array(0));
  assert.equal(none.logits.length + none.iou.length, 0);
  await model.close();
});
