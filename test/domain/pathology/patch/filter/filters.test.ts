import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOpenCv, withMats } from '../../../../../domain/machine/opencv.js';
import { measurePatch } from '../../../../../domain/pathology/patch/filter/patch-statistics.js';
import { tissueShare } from '../../../../../domain/pathology/patch/filter/tissue-share.js';
import { RandomStream } from '../../../../../domain/random.js';

test('saturation, means and Laplacian variance of a patch equal those of OpenCV', async () => {
  const cv = await loadOpenCv();
  const random = new RandomStream('patches', 1);
  for (const side of [1, 2, 3, 16, 57]) {
    const rgb = Uint8Array.from({ length: side * side * 3 }, () => random.below(256));
    const ours = measurePatch(rgb, side);
    withMats((keep) => {
      const source = keep(new cv.Mat(side, side, cv.CV_8UC3));
      source.data.set(rgb);
      const [hsv, gray, laplacian] = [0, 1, 2].map(() => keep(new cv.Mat()));
      cv.cvtColor(source, hsv, cv.COLOR_RGB2HSV);
      const saturations = [...hsv.data].filter((_, i) => i % 3 === 1);
      assert.ok(Math.abs(ours.saturation - mean(saturations)) < 1e-9);
      const means = [0, 1, 2].map((c) => mean([...rgb].filter((_, i) => i % 3 === c)));
      assert.ok(Math.abs(ours.brightest - Math.max(...means)) < 1e-9);
      // cv.COLOR_RGB2GRAY and cv.CV_64F by number: the types of the package declare them as any.
      cv.cvtColor(source, gray, 7);
      cv.Laplacian(gray, laplacian, 6);
      const values = [...laplacian.data64F];
      const variance = mean(values.map((value) => (value - mean(values)) ** 2));
      assert.ok(Math.abs(ours.sharpness - variance) < 1e-6 * Math.max(1, variance), `side ${side}`);
    });
  }
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test('the share of tissue counts parts of mask pixels, and nothing outside the mask', () => {
  const tissue = {
    mask: Uint8Array.of(255, 0, 255, 255),
    width: 2,
    height: 2,
    downsample: [10, 20] as const,
  };
  const share = (x: number, y: number, width: number, height: number) =>
    tissueShare(tissue, { x, y, width, height });
  assert.equal(share(0, 0, 20, 40), 0.75);
  assert.equal(share(10, 0, 10, 20), 0);
  assert.equal(share(5, 10, 10, 20), 0.75);
  assert.equal(share(-10, 20, 20, 20), 0.5);
  assert.equal(share(15, 20, 20, 40), 0.125);
  assert.equal(share(40, 0, 10, 10), 0);
});
