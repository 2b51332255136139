import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentFrame } from '../../../../domain/pathology/features/segment-frame.js';
import type { SegmentMask, SegmentsInfo } from '../../../../domain/pathology/layouts/segments-file.js';
import { planSamImage } from '../../../../domain/pathology/segment/sam-image.js';
import { RandomStream } from '../../../../domain/random.js';

/** Downsamples of pyramids as scanners write them: powers of two, four and three, each slightly off. */
const PYRAMIDS = [
  [1, 2, 4, 8, 16, 32],
  [1, 4, 16, 64],
  [1, 3, 9, 27],
  [1, 5, 20],
  [1, 32],
];

const masks = [{} as SegmentMask];

function frame(info: SegmentsInfo): number {
  return segmentFrame({ info, masks }, 256, 'segments.h5').downsample;
}

test('recovers the level downsample from sam-mil segments on every pyramid', () => {
  const random = new RandomStream('segment frame');
  for (let round = 0; round < 2000; round++) {
    const pyramid = PYRAMIDS[round % PYRAMIDS.length];
    const [width, height] = [2000 + random.below(120_000), 2000 + random.below(120_000)];
    const levels = pyramid.map((scale) => {
      const [w, h] = [Math.floor(width / scale), Math.floor(height / scale)];
      return { width: w, height: h, downsample: [width / w, height / h] as const };
    });
    const [startX, startY] = [random.below(500), random.below(500)];
    const box = { startX, startY, stopX: width - random.below(900), stopY: height - random.below(900) };
    const { width: w, height: h, total, ...plan } = planSamImage(levels, box, 'patches.h5');
    const info = { ...plan, patchSize: 256, w, h };
    assert.equal(frame(info), total, JSON.stringify({ width, height, pyramid, info }));
  }
});

test('recovers the level downsample from segments of the SAM-MIL scripts, which reduce by integers only', () => {
  const random = new RandomStream('segment frame of scripts');
  for (let round = 0; round < 2000; round++) {
    const pyramid = PYRAMIDS[round % PYRAMIDS.length];
    const [boxWidth, boxHeight] = [1100 + random.below(110_000), 1100 + random.below(110_000)];
    const total = 2 ** Math.ceil(Math.log2(Math.max(boxWidth, boxHeight) / 1024));
    // Scanners crop levels to whole pixels, which makes the downsample slightly too large.
    const scales = pyramid.map((scale) => (scale === 1 ? 1 : scale * (1 + random.uniform() * 0.0005)));
    const visLevel = scales.findLastIndex((scale) => Math.trunc(scale) <= total);
    const downsampleRatio = Math.trunc(total / Math.trunc(scales[visLevel]));
    const [w, h] = [boxWidth, boxHeight].map((side) =>
      Math.trunc(Math.trunc(side / scales[visLevel]) / downsampleRatio),
    );
    const place = { startX: 0, startY: 0, stopX: boxWidth, stopY: boxHeight };
    const info = { ...place, patchSize: 256, w, h, visLevel, downsampleRatio };
    const expected = Math.trunc(scales[visLevel]) * downsampleRatio;
    assert.equal(frame(info), expected, JSON.stringify({ scales, info }));
  }
});

test('uses a given downsample, and refuses segments that fit none, with the values found', () => {
  const info = {
    patchSize: 256,
    startX: 0,
    startY: 0,
    stopX: 6000,
    stopY: 100,
    w: 550,
    h: 12,
    visLevel: 2,
    downsampleRatio: 1,
  };
  assert.equal(segmentFrame({ info, masks }, 256, 'segments.h5', 11).downsample, 11);
  assert.throws(() => frame(info), {
    code: 'InvalidInput',
    message: /segments\.h5: .*a box of 6000 x 100.*reduced by about 8; found 550 x 12 pixels from level 2/,
  });
});
