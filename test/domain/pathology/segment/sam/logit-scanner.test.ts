import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaOf, bboxOf, decodeMask, encodeMask } from '../../../../../domain/files/run-length.js';
import { RandomStream } from '../../../../../domain/random.js';
import { LogitScanner } from '../../../../../domain/pathology/segment/sam/logit-scanner.js';

const SIDE = 32;
const SQUARE = 128;
const OFFSET = 1;

/**
 * Crops: size, and place in an image; larger and smaller than the model's square, wide, high, and one pixel
 * wide.
 */
const CROPS = [
  { width: 128, height: 128, left: 0, top: 0, image: [128, 128] },
  { width: 200, height: 90, left: 0, top: 0, image: [90, 200] },
  { width: 61, height: 150, left: 11, top: 7, image: [170, 80] },
  { width: 40, height: 60, left: 5, top: 0, image: [60, 50] },
  { width: 300, height: 290, left: 3, top: 2, image: [292, 303] },
  { width: 1, height: 33, left: 2, top: 1, image: [40, 4] },
] as const;

for (const { width, height, left, top, image } of CROPS) {
  test(`${width} x ${height}: run lengths, area, box and stability equal those of pixels interpolated twice`, () => {
    const random = new RandomStream(`logits ${width} ${height}`);
    const scale = SQUARE / Math.max(width, height);
    const [scaledWidth, scaledHeight] = [width, height].map((side) =>
      Math.max(1, Math.floor(side * scale + 0.5)),
    );
    const scaled = { width, height, scaledWidth, scaledHeight };
    const scanner = new LogitScanner(SIDE, SQUARE, scaled, { left, top }, image, OFFSET);
    for (const roughness of [0, 0.3, 3]) {
      const logits = someLogits(random, roughness);
      const square = bilinear(logits, SIDE, SIDE, SQUARE, SQUARE);
      const cut = Float32Array.from(
        { length: scaledWidth * scaledHeight },
        (_, i) => square[Math.floor(i / scaledWidth) * SQUARE + (i % scaledWidth)],
      );
      const crop = bilinear(cut, scaledWidth, scaledHeight, width, height);
      const found = scanner.scan(logits);
      const mask = new Uint8Array(image[0] * image[1]);
      crop.forEach((value, i) => {
        if (value > 0) mask[(top + Math.floor(i / width)) * image[1] + left + (i % width)] = 1;
      });
      const rle = encodeMask(mask, image[0], image[1]);
      assert.deepEqual(decodeMask(scanner.runs()), mask);
      assert.deepEqual(scanner.runs(), rle);
      assert.equal(found.area, areaOf(rle));
      const [x, y, w, h] = bboxOf(rle);
      assert.deepEqual(found.box, found.area === 0 ? undefined : [x, y, x + w, y + h]);
      const above = (threshold: number): number => crop.filter((value) => value > threshold).length;
      assert.equal(found.stability, Math.fround(above(OFFSET) / above(-OFFSET)));
    }
  });
}

test('an empty mask has no box, and a mask without pixels near the threshold has no stability', () => {
  const scaled = { width: 50, height: 40, scaledWidth: 128, scaledHeight: 102 };
  const scanner = new LogitScanner(SIDE, SQUARE, scaled, { left: 0, top: 0 }, [40, 50], OFFSET);
  const blank = scanner.scan(new Float32Array(SIDE * SIDE).fill(-9));
  assert.deepEqual(blank, { area: 0, box: undefined, stability: NaN });
  assert.deepEqual([...scanner.runs().counts], [2000]);
  assert.equal(scanner.scan(new Float32Array(SIDE * SIDE).fill(-0.5)).stability, 0);
  const full = scanner.scan(new Float32Array(SIDE * SIDE).fill(9));
  assert.deepEqual(full, { area: 2000, box: [0, 0, 49, 39], stability: 1 });
  assert.deepEqual([...scanner.runs().counts], [0, 2000]);
});

/** Blobs with soft edges on a low background, like those of SAM, and noise. */
function someLogits(random: RandomStream, roughness: number): Float32Array {
  const blobs = Array.from({ length: 3 }, () => ({
    x: random.below(SIDE),
    y: random.below(SIDE),
    radius: 3 + random.below(10),
  }));
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const heights = blobs.map(
      ({ x, y, radius }) => radius - Math.hypot((i % SIDE) - x, Math.floor(i / SIDE) - y),
    );
    return 2.13 * Math.max(...heights) + roughness * (random.below(1001) / 500 - 1);
  });
}

/** Plain bilinear interpolation without aligned corners, sample by sample. */
function bilinear(
  from: Float32Array,
  fromWidth: number,
  fromHeight: number,
  width: number,
  height: number,
): Float32Array {
  const place = (output: number, size: number, to: number): [number, number, number] => {
    const position = Math.max(0, ((output + 0.5) * size) / to - 0.5);
    const low = Math.floor(position);
    return [low, Math.min(low + 1, size - 1), position - low];
  };
  return Float32Array.from({ length: width * height }, (_, i) => {
    const [x0, x1, h] = place(i % width, fromWidth, width);
    const [y0, y1, v] = place(Math.floor(i / width), fromHeight, height);
    const at = (x: number, y: number): number => from[y * fromWidth + x];
    return (1 - v) * ((1 - h) * at(x0, y0) + h * at(x1, y0)) + v * ((1 - h) * at(x0, y1) + h * at(x1, y1));
  });
}
