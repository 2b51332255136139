import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { definition } from '../../../../activities/pathology/segment.js';
import { readPatches, writeMask, writePatches } from '../../../../domain/pathology/layouts/bag-files.js';
import { areaOf, bboxOf } from '../../../../domain/files/run-length.js';
import type { Box } from '../../../../domain/pathology/layouts/tissue-box.js';
import { readSegments, readSegmentsPickle } from '../../../../domain/pathology/layouts/segments-file.js';
import type { InputFile } from '../../../../domain/job.js';
import type { Json } from '../../../../domain/json.js';
import { parseGeoJson } from '../../../../domain/pathology/annotations/read-geojson.js';
import { run } from '../../../../domain/pathology/segment/segment.js';
import type { SegmentWith } from '../../../../domain/pathology/segment/parameters.js';
import { decodeImage } from '../../../../domain/pathology/slides/images.js';
import { jobFor, inputFile } from '../../../support/activity-job.js';
import { BUNDLED_SLIDE } from '../../../support/bundled.js';
import { patchesAt } from '../../../support/small-patches.js';
import { writeSmallSam } from '../../../support/small-sam.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

async function given(
  context: TestContext,
  coords: number[],
  tissueBox?: Box,
): Promise<{ folder: string; with: Record<string, Json | InputFile> }> {
  const folder = temporaryFolder(context);
  const patches = join(folder, 'patches.h5');
  writePatches(patches, patchesAt(Int32Array.from(coords), { tissueBox }));
  return {
    folder,
    with: {
      slide: await inputFile(BUNDLED_SLIDE),
      patches: await inputFile(patches),
      segmenter: 'watershed',
    },
  };
}

test('pathology.segment writes masks as h5, pickle and picture, in the frame of the patches', async (context) => {
  const one = await given(context, [800, 1000, 1056, 1000, 1056, 1768]);
  const job = jobFor<SegmentWith>(definition, one.with, one.folder);
  const { files, values } = await run(job);
  assert.deepEqual(
    Object.values(files)
      .map(({ to }) => to)
      .sort(),
    ['overlays/slide.jpg', 'segments/slide.h5', 'segments/slide.pkl'],
  );
  const segments = readSegments(files.segments.from);
  assert.deepEqual(segments.info, {
    patchSize: 256,
    startX: 800,
    startY: 1000,
    stopX: 1312,
    stopY: 2024,
    w: 512,
    h: 1024,
    visLevel: 0,
    downsampleRatio: 1,
  });
  assert.equal(segments.masks.length, values?.count);
  assert.ok(segments.masks.length > 30);
  assert.deepEqual(readSegmentsPickle(files['segments-pickle'].from), segments);
  const overlay = await decodeImage(files.overlay.from);
  assert.deepEqual([overlay.width, overlay.height], [512, 1024]);
});

test('with the mask, the image is the box of the tissue outlines', async (context) => {
  const one = await given(context, [800, 1000]);
  const mask = join(one.folder, 'mask.h5');
  writeMask(mask, {
    points: Int32Array.from([900, 1100, 1299, 1100, 1299, 1299, 900, 1299]),
    offsets: Int32Array.from([0, 4]),
    parent: Int32Array.from([-1]),
    mask: new Uint8Array(4),
    width: 2,
    height: 2,
    segLevel: 0,
    downsample: [1, 1],
  });
  const parameters = { ...one.with, mask: await inputFile(mask), pickle: false };
  const { files } = await run(jobFor<SegmentWith>(definition, parameters, one.folder));
  assert.equal(files['segments-pickle'], undefined);
  const { info } = readSegments(files.segments.from);
  assert.deepEqual([info.startX, info.startY, info.stopX, info.stopY, info.w], [900, 1100, 1299, 1299, 399]);
});

test('without the mask, the image is the box stated in the patches file', async (context) => {
  const tissueBox = { startX: 910, startY: 1120, stopX: 1250, stopY: 1290 };
  const one = await given(context, [900, 1100], tissueBox);
  const { files } = await run(jobFor<SegmentWith>(definition, { ...one.with, pickle: false }, one.folder));
  const { startX, startY, stopX, stopY, w, h } = readSegments(files.segments.from).info;
  assert.deepEqual({ startX, startY, stopX, stopY }, tissueBox);
  assert.deepEqual([w, h], [340, 170]);
});

test('QuPath outlines cover as many level-0 pixels as their masks, within the frame', async (context) => {
  const one = await given(context, [300, 200, 1600, 1800]);
  const parameters = { ...one.with, pickle: false, geojson: true };
  const { files } = await run(jobFor<SegmentWith>(definition, parameters, one.folder));
  const { info, masks } = readSegments(files.segments.from);
  assert.deepEqual([info.startX, info.startY, info.w], [300, 200, 778], 'reduced by 2');
  const text = readFileSync(files['segments-geojson'].from, 'utf8');
  const { features } = JSON.parse(text) as { features: { properties: { measurements: object } }[] };
  const first = features[0].properties.measurements as Record<string, number>;
  assert.deepEqual(first['Area (level-0 px)'], 4 * masks[0].area);
  assert.equal(first['Predicted IoU'], Number(masks[0].predictedIou.toPrecision(7)));
  const covered = features.map((feature) =>
    parseGeoJson(JSON.stringify(feature), 'segment').regions.reduce(
      (sum, { rings: [outline, ...holes] }) =>
        sum + ringArea(outline) - holes.reduce((all, hole) => all + ringArea(hole), 0),
      0,
    ),
  );
  assert.deepEqual(
    covered,
    masks.map(({ area }) => 4 * area),
  );
});

function ringArea(ring: readonly (readonly [number, number])[]): number {
  const doubled = ring.reduce((sum, [x, y], i) => {
    const [nextX, nextY] = ring[(i + 1) % ring.length];
    return sum + x * nextY - nextX * y;
  }, 0);
  return Math.abs(doubled) / 2;
}

test('a custom SAM writes the same masks to every file, at the positions where it found them', async (context) => {
  const one = await given(context, [700, 900, 1212, 1412]);
  const parameters = {
    ...one.with,
    segmenter: await inputFile(writeSmallSam(one.folder)),
    'points-per-side': 8,
  };
  const job = jobFor<SegmentWith>(definition, parameters, one.folder);
  const { files, values } = await run(job);
  const { info, masks } = readSegments(files.segments.from);
  assert.deepEqual([info.w, info.h, info.startX, info.startY], [768, 768, 700, 900]);
  assert.equal(masks.length, values?.count);
  assert.ok(masks.length > 20, `${masks.length}`);
  assert.deepEqual(readSegmentsPickle(files['segments-pickle'].from), { info, masks });
  for (const { rle, area, bbox, cropBox, pointCoords, predictedIou, stabilityScore } of masks) {
    assert.deepEqual([areaOf(rle), bboxOf(rle)], [area, bbox]);
    const [x, y, w, h] = cropBox;
    assert.ok(bbox[0] >= x && bbox[1] >= y && bbox[0] + bbox[2] < x + w && bbox[1] + bbox[3] < y + h);
    assert.ok(pointCoords[0][0] > x && pointCoords[0][0] < x + w);
    assert.ok(predictedIou > 0.6 && stabilityScore >= 0.6);
  }
  assert.ok(new Set(masks.map(({ cropBox }) => cropBox.join())).size > 1);
  const messages = job.logs.map(({ message }) => message);
  assert.ok(messages.some((message) => /^segmenter small-sam runs on (cpu|cuda) \(.+\)$/.test(message)));
  assert.deepEqual(job.reports.at(-1), { unit: 'crops', done: 5, total: 5, note: undefined });
  assert.ok(job.reports.some(({ note }) => note === '64 of 64 points'));
});

test('drops masks below the minimum area, including those that SAM only cleans', async (context) => {
  const one = await given(context, [700, 900, 1212, 1412]);
  const parameters = {
    ...one.with,
    segmenter: await inputFile(writeSmallSam(one.folder)),
    'points-per-side': 8,
    'crop-n-layers': 0,
    'min-mask-region-area': 20_000,
    pickle: false,
  };
  const { files, values } = await run(jobFor<SegmentWith>(definition, parameters, one.folder));
  const { masks } = readSegments(files.segments.from);
  assert.equal(masks.length, values?.count);
  assert.ok(masks.length > 0 && masks.every(({ area }) => area >= 20_000));
});

test('never stores masks of one segmenter under the key of another', async (context) => {
  const one = await given(context, [800, 1000]);
  const job = jobFor<SegmentWith>(definition, one.with, one.folder);
  const hidden = { segmenter: { name: 'watershed', version: 0, weightsDigest: null } };
  await assert.rejects(run({ ...job, hidden }), {
    code: 'Unavailable',
    message: /"version":0.*"version":1/,
  });
});

test('refuses a file without patches by name', async (context) => {
  const one = await given(context, []);
  assert.equal(readPatches((one.with.patches as InputFile).path).coords.length, 0);
  await assert.rejects(run(jobFor<SegmentWith>(definition, one.with, one.folder)), {
    code: 'InvalidInput',
    message: /patches\.h5: the file has no patches/,
  });
});

test('refuses patches of another slide before the search', async (context) => {
  const one = await given(context, [800, 1000, 800, 3000]);
  await assert.rejects(run(jobFor<SegmentWith>(definition, one.with, one.folder)), {
    code: 'InvalidInput',
    message: /patches\.h5: patch 1 is outside the slide .*2220 x 2967; found 800, 3000/,
  });
});

test('the cache key includes the name, version and weights of the segmenter', async () => {
  const key = await definition.hiddenInputs?.({ segmenter: 'watershed' }, {});
  assert.deepEqual(key?.segmenter, { name: 'watershed', version: 1, weightsDigest: null });
});
