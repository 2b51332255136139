/** Our own exact functions against OpenCV's, which they stand in for because they are faster or easier to bound. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOpenCv, withMats, type OpenCv } from '../../../domain/native/opencv.js';
import { RandomStream } from '../../../domain/random.js';
import { medianAbove } from '../../../domain/tissue/median-threshold.js';
import { boundingBox, outlineArea, PolygonIndex } from '../../../domain/tissue/polygon.js';
import { saturation } from '../../../domain/tissue/saturation.js';

test('saturation of all 2^24 colours', async () => {
  const { cv } = await loadOpenCv();
  const colours = 1 << 20;
  const rgb = new Uint8Array(colours * 3);
  const ours = new Uint8Array(colours);
  withMats((keep) => {
    const source = keep(new cv.Mat(1024, 1024, cv.CV_8UC3));
    const hsv = keep(new cv.Mat());
    for (let block = 0; block < 16; block++) {
      for (let i = 0; i < colours; i++) {
        const colour = block * colours + i;
        rgb[i * 3] = colour >>> 16;
        rgb[i * 3 + 1] = colour >>> 8;
        rgb[i * 3 + 2] = colour;
      }
      source.data.set(rgb);
      cv.cvtColor(source, hsv, cv.COLOR_RGB2HSV);
      saturation(rgb, 1024, 1024, ours);
      const theirs = hsv.data;
      let different = 0;
      for (let i = 0; i < colours; i++) if (theirs[i * 3 + 1] !== ours[i]) different++;
      assert.equal(different, 0, `block ${block}`);
    }
  });
});

test('median and threshold, also on images smaller than the window', async () => {
  const { cv } = await loadOpenCv();
  const random = new RandomStream('median');
  for (const [width, height] of [
    [1, 1],
    [2, 5],
    [7, 3],
    [40, 31],
    [97, 64],
  ]) {
    for (const size of [3, 5, 7, 11]) {
      const values = Uint8Array.from({ length: width * height }, () => random.below(30));
      const threshold = 10 + random.below(10);
      assert.deepEqual(
        medianAbove(values, width, height, size, threshold),
        openCvMedianAbove(cv, values, width, height, size, threshold),
        `${width} x ${height}, window ${size}`,
      );
    }
  }
});

test('point in polygon, on edges and corners as well, and area and bounding box', async () => {
  const { cv } = await loadOpenCv();
  const random = new RandomStream('polygons');
  const seen = new Map<number, number>();
  for (let polygon = 0; polygon < 150; polygon++) {
    const extent = 3 + random.below(polygon < 75 ? 8 : 900);
    const outline = Int32Array.from({ length: 2 * (1 + random.below(12)) }, () => random.below(extent) - 2);
    withMats((keep) => {
      const mat = keep(new cv.Mat(outline.length / 2, 1, cv.CV_32SC2));
      mat.data32S.set(outline);
      const index = new PolygonIndex(outline);
      for (let point = 0; point < 100; point++) {
        const [x, y] = [random.below(2 * extent) / 2 - 2, random.below(2 * extent) / 2 - 2];
        const theirs = Math.sign(cv.pointPolygonTest(mat, { x, y }, false));
        assert.equal(index.locate(x, y), theirs, `(${x}, ${y}) in ${[...outline].join(' ')}`);
        seen.set(theirs, (seen.get(theirs) ?? 0) + 1);
      }
      assert.equal(outlineArea(outline), cv.contourArea(mat as never, false));
      const { x, y, width, height } = cv.boundingRect(mat);
      assert.deepEqual(boundingBox(outline), { x, y, width, height });
    });
  }
  for (const place of [-1, 0, 1]) assert.ok((seen.get(place) ?? 0) > 500, `${place}: ${seen.get(place)}`);
});

function openCvMedianAbove(
  cv: OpenCv,
  values: Uint8Array,
  width: number,
  height: number,
  size: number,
  threshold: number,
): Uint8Array {
  return withMats((keep) => {
    const mat = keep(new cv.Mat(height, width, cv.CV_8UC1));
    mat.data.set(values);
    const out = keep(new cv.Mat());
    cv.medianBlur(mat, out, size);
    cv.threshold(out, out, threshold, 255, cv.THRESH_BINARY);
    return out.data.slice();
  });
}
