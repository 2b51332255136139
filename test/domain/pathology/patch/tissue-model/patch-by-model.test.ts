import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import sharp from 'sharp';
import { definition } from '../../../../../activities/pathology/patch.js';
import { findOpenSlideLibrary } from '../../../../../domain/machine/fetch-openslide.js';
import type { InputFile, JobResult } from '../../../../../domain/job.js';
import type { Json } from '../../../../../domain/json.js';
import { readMask, readPatches } from '../../../../../domain/pathology/layouts/bag-files.js';
import type { PatchWith } from '../../../../../domain/pathology/patch/parameters.js';
import { run } from '../../../../../domain/pathology/patch/patch.js';
import { inputFile, jobFor, type TestJob } from '../../../../support/activity-job.js';
import { BUNDLED_SLIDE } from '../../../../support/bundled.js';
import { temporaryFolder } from '../../../../support/temporary-folder.js';
import { writeTinyTissueModel } from '../../../../support/tiny-tissue-model.js';

before(() => findOpenSlideLibrary());

type Given = Record<string, Json | InputFile>;

async function patch(
  context: TestContext,
  given: Given,
  path = BUNDLED_SLIDE,
): Promise<{ result: JobResult; job: TestJob<PatchWith> }> {
  const folder = temporaryFolder(context);
  const slide = await inputFile(path);
  const parameters = { preset: 'bwh_biopsy', 'patch-size': 128, slide, ...given };
  const job = jobFor<PatchWith>(definition, parameters, folder);
  return { result: await run(job), job };
}

async function model(context: TestContext, changes: Record<string, unknown> = {}): Promise<InputFile> {
  return inputFile(writeTinyTissueModel(temporaryFolder(context), changes));
}

/** 1024 x 1024 pixels of glass with a pink square, a black stroke across it, and smooth and noisy parts. */
async function writePainted(context: TestContext): Promise<string> {
  const side = 1024;
  const rgb = new Uint8Array(side * side * 3).fill(243);
  for (let y = 128; y < 896; y++) {
    for (let x = 128; x < 896; x++) {
      const noise = x < 512 ? ((x * 31 + y * 17) % 13) * 4 : 0;
      const ink = y >= 256 && y < 384;
      rgb.set(ink ? [15, 15, 15] : [214 - noise, 150 - noise, 190 - noise], (y * side + x) * 3);
    }
  }
  const path = join(temporaryFolder(context), 'painted.png');
  await sharp(rgb, { raw: { width: side, height: side, channels: 3 } })
    .png()
    .toFile(path);
  return path;
}

test('the mask of a model becomes outlines, and artifacts are removed from the tissue', async (context) => {
  const painted = await writePainted(context);
  const given = {
    'segment-with': await model(context),
    'slide-mpp': 1,
    'a-t': 0.1,
    'a-h': 0,
    'max-n-holes': 8,
  };
  const { result, job } = await patch(context, given, painted);
  const mask = readMask(result.files.mask.from);
  assert.deepEqual([mask.width, mask.height, mask.downsample], [256, 256, [4, 4]]);
  const at = (x: number, y: number) => mask.mask[Math.floor(y / 4) * 256 + Math.floor(x / 4)];
  assert.deepEqual([at(60, 60), at(512, 180), at(512, 320), at(512, 700)], [0, 255, 0, 255]);
  assert.deepEqual([...mask.parent], [-1, -1], 'the stroke divides the tissue');
  const share = Number(result.values?.['artifact-share']);
  assert.ok(Math.abs(share - 1 / 6) < 0.02, `${share}`);
  const { coords } = readPatches(result.files.patches.from);
  const rows = new Set([...coords].filter((_, i) => i % 2 === 1));
  assert.ok(rows.size > 0 && ![...rows].some((y) => y >= 256 && y + 128 <= 384), [...rows].join(' '));
  assert.ok(job.reports.some(({ note }) => note?.includes('tiles')));
  assert.match(job.logs.map(({ message }) => message).join('\n'), /tissue model tiny runs on cpu/);
});

test('filters drop patches, count them by reason, and show them below the picture in a legend', async (context) => {
  const painted = await writePainted(context);
  const plain = { sthresh: 5, 'a-t': 0.1, 'step-size': 64, 'contour-fn': 'basic' };
  const without = await patch(context, plain, painted);
  assert.equal(without.result.values?.dropped, undefined);
  const filters = { 'min-tissue': 0.6, 'white-thresh': 5, 'black-thresh': 40, 'blur-thresh': 20 };
  const { result } = await patch(context, { ...plain, ...filters }, painted);
  const dropped = result.values?.dropped as Record<string, number>;
  const all = Number(without.result.values?.count);
  const sum = Object.values(dropped).reduce((a, b) => a + b, 0);
  assert.equal(Number(result.values?.count) + sum, all);
  assert.deepEqual(Object.keys(dropped), ['tissue', 'white', 'black', 'blurred']);
  assert.ok(dropped.tissue > 0 && dropped.blurred > 0, JSON.stringify(dropped));
  const kept = readPatches(result.files.patches.from).coords;
  const before = readPatches(without.result.files.patches.from).coords;
  const place = (coords: Int32Array) =>
    Array.from({ length: coords.length / 2 }, (_, i) => `${coords[2 * i]} ${coords[2 * i + 1]}`);
  const order = place(before).filter((at) => place(kept).includes(at));
  assert.deepEqual(place(kept), order, 'a part of the grid, in its order');
  const inside = (value: number, low: number, high: number) => value >= low && value <= high;
  const smooth = place(kept).filter((at) => {
    const [x, y] = at.split(' ').map(Number);
    return inside(x, 576, 768) && inside(y, 448, 768);
  });
  assert.deepEqual(smooth, [], 'inside the smooth half, without an edge');

  const sizes = await Promise.all(
    [without.result, result].map(({ files }) => sharp(files['mask-image'].from).metadata()),
  );
  assert.equal(sizes[1].width, sizes[0].width);
  assert.ok(sizes[1].height > sizes[0].height);
});

test('patches of glass and ink are dropped by their own threshold', async (context) => {
  const painted = await writePainted(context);
  const grid = { sthresh: 0, 'a-t': 0, 'use-otsu': false, 'segment-with': await model(context, EVERYTHING) };
  const count = async (filters: Given) => {
    const given = { 'slide-mpp': 1, ...grid, ...filters };
    return (await patch(context, given, painted)).result.values?.dropped;
  };
  const none = { tissue: 0, white: 0, black: 0, blurred: 0 };
  assert.deepEqual(await count({ 'white-thresh': 1, 'black-thresh': 16 }), { ...none, white: 34 });
  assert.deepEqual(await count({ 'black-thresh': 16 }), { ...none, black: 6 });
});

/** All classes are tissue. */
const EVERYTHING = { tissue: ['glass', 'tissue', 'ink'], artifact: [] };

test('a slide on which a filter drops every patch ends without tissue, and shows why', async (context) => {
  const { result } = await patch(context, { 'blur-thresh': 1e9 });
  assert.equal(result.skip, 'no_tissue');
  assert.deepEqual(Object.keys(result.files), ['mask', 'mask-image', 'tissue-geojson']);
  assert.ok((result.values?.dropped as Record<string, number>).blurred > 100);
});

test('a slide without resolution is refused with what to set', async (context) => {
  const painted = await writePainted(context);
  await assert.rejects(patch(context, { 'segment-with': await model(context) }, painted), {
    name: 'MissingMagnification',
    message: /painted\.png[\s\S]*set `slide-mpp`[\s\S]*tiny reads at 4 µm per pixel/,
  });
});

test('the model is part of the cache key, and a model that changed since is not used', async (context) => {
  const folder = temporaryFolder(context);
  const path = writeTinyTissueModel(folder);
  const file = await inputFile(path);
  const slide = await inputFile(BUNDLED_SLIDE);
  const key = await definition.hiddenInputs!({}, { slide, 'segment-with': file });
  assert.deepEqual(await definition.hiddenInputs!({}, { slide }), {});
  const job = jobFor<PatchWith>(definition, { slide, 'segment-with': file }, join(folder, 'job'));
  const onnx = join(folder, 'tissue.onnx');
  writeFileSync(onnx, Buffer.concat([readFileSync(onnx), Buffer.from([0x1a, 0])]));
  assert.notDeepEqual(await definition.hiddenInputs!({}, { slide, 'segment-with': file }), key);
  await assert.rejects(run({ ...job, hidden: key }), {
    name: 'Unavailable',
    message: /tissue model changed/,
  });
});
