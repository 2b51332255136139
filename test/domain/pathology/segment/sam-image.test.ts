import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { tissueBounds } from '../../../../domain/pathology/layouts/tissue-box.js';
import { patchBounds, planSamImage, readSamImage } from '../../../../domain/pathology/segment/sam-image.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { resizeRgb } from '../../../support/pixels.js';
import type { Level, Slide } from '../../../../domain/pathology/slides/slide.js';
import { BUNDLED_SLIDE } from '../../../support/bundled.js';

function pyramid(width: number, height: number, ...downsamples: number[]): Level[] {
  return downsamples.map((scale) => ({
    width: Math.floor(width / scale),
    height: Math.floor(height / scale),
    downsample: [scale, scale],
  }));
}

function box(startX: number, startY: number, stopX: number, stopY: number) {
  return { startX, startY, stopX, stopY };
}

function openBundled(context: TestContext): Slide {
  const slide = openSlide(BUNDLED_SLIDE);
  context.after(() => slide.close());
  return slide;
}

test('the total downsample is a power of two that brings the longer side to at most 1024', () => {
  const levels = pyramid(100_000, 80_000, 1, 4.0001, 16.002, 64.1);
  const plan = (w: number, h: number) => planSamImage(levels, box(100, 200, 100 + w, 200 + h), 'x');
  const cases = [
    [1024, 10, 1, 0, 1],
    [1025, 10, 2, 0, 2],
    [4096, 4000, 4, 1, 1],
    [900, 8193, 16, 2, 1],
    [60_000, 79_000, 128, 3, 2],
  ] as const;
  for (const [w, h, total, visLevel, rest] of cases) {
    const found = plan(w, h);
    assert.deepEqual(
      [found.total, found.visLevel, found.downsampleRatio],
      [total, visLevel, rest],
      `${w} x ${h}`,
    );
    assert.ok(Math.max(found.width, found.height) <= 1024);
    assert.equal(found.width, Math.floor(w / total));
  }
});

test('a truncated downsample that does not divide the total leaves a fractional remainder', () => {
  const plan = planSamImage(pyramid(8000, 8000, 1, 3.9998), box(0, 0, 4000, 4000), 'x');
  assert.equal(plan.total, 4);
  assert.equal(plan.visLevel, 1);
  assert.equal(plan.downsampleRatio, 4 / 3);
});

test('clips the box to the slide and refuses a box outside it', () => {
  const levels = pyramid(500, 400, 1);
  const plan = planSamImage(levels, box(-20, 300, 600, 900), 'patches.h5');
  assert.deepEqual([plan.startX, plan.startY, plan.stopX, plan.stopY], [0, 300, 500, 400]);
  assert.throws(() => planSamImage(levels, box(600, 0, 700, 100), 'patches.h5'), {
    code: 'InvalidInput',
    message: /patches\.h5: the patches are outside the slide.*500 x 400.*600, 0 to 700, 100/,
  });
});

test('boxes contain all patches; the tissue box spans the outline points as in the published script', () => {
  const points = Int32Array.from([5, 9, 2, 40, 7, 3]);
  assert.deepEqual(tissueBounds([points.subarray(0, 2), points.subarray(2)]), box(2, 3, 7, 40));
  assert.deepEqual(tissueBounds([points.subarray(0, 2)]), box(5, 9, 6, 10), 'at least a pixel');
  assert.equal(tissueBounds([]), undefined);
  assert.deepEqual(patchBounds(points, [10, 20]), box(2, 3, 17, 60));
});

test('an image without reduction equals the level', (context) => {
  const slide = openBundled(context);
  const plan = planSamImage(slide.info.levels, box(700, 900, 1200, 1500), BUNDLED_SLIDE);
  const image = readSamImage(slide, plan);
  assert.deepEqual([image.width, image.height], [500, 600]);
  assert.deepEqual(image.rgb, slide.readRegion(700, 900, 0, 500, 600));
});

test('a reduced image contains pixel means, for strips of any height', (context) => {
  const slide = openBundled(context);
  const plan = planSamImage(slide.info.levels, box(3, 5, 2215, 2961), BUNDLED_SLIDE);
  assert.deepEqual([plan.total, plan.downsampleRatio, plan.width, plan.height], [4, 4, 553, 739]);
  const image = readSamImage(slide, plan);
  for (const [x, y] of [
    [0, 0],
    [552, 738],
    [300, 411],
  ]) {
    const pixels = slide.readRegion(3 + 4 * x, 5 + 4 * y, 0, 4, 4);
    for (let channel = 0; channel < 3; channel++) {
      let sum = 0;
      for (let i = channel; i < 48; i += 3) sum += pixels[i];
      assert.equal(image.rgb[3 * (y * 553 + x) + channel], Math.floor((sum + 8) / 16));
    }
  }
  assert.deepEqual(readSamImage(slide, plan, 200_000).rgb, image.rgb, 'strips');
});

test('a fractional remainder is resized to the frame that groups use', (context) => {
  const slide = openBundled(context);
  const plan = planSamImage(slide.info.levels, box(400, 400, 1600, 1300), BUNDLED_SLIDE);
  // As if level 0 were reduced by 3: 2 / 3 of its pixel are one image pixel.
  const stretched = { ...plan, total: 1.5, width: 800, height: 600 };
  const image = readSamImage(slide, stretched);
  const whole = slide.readRegion(400, 400, 0, 1200, 900);
  assert.deepEqual(
    image.rgb,
    resizeRgb(whole, { width: 1200, height: 900 }, { width: 800, height: 600 }, 'bilinear'),
  );
});
