/**
 * Our own exact functions against OpenCV's, which they stand in for because they are faster or easier to
 * bound.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadOpenCv, withMats, type OpenCv } from '../../../../../domain/machine/opencv.js';
import { RandomStream } from '../../../../../domain/random.js';
import { closeMask } from '../../../../../domain/pathology/patch/tissue/close-mask.js';
import { medianBlur } from '../../../../../domain/pathology/patch/tissue/median-blur.js';
import { medianAbove } from '../../../../../domain/pathology/patch/tissue/median-threshold.js';
import { otsuThreshold, thresholdInPlace } from '../../../../../domain/pathology/patch/tissue/otsu.js';
import {
  boundingBox,
  outlineArea,
  PolygonIndex,
} from '../../../../../domain/pathology/patch/tissue/polygon.js';
import { saturation } from '../../../../../domain/pathology/patch/tissue/saturation.js';
import { traceContours } from '../../../../../domain/pathology/patch/tissue/trace-contours.js';

test('saturation of all 2^24 colors', async () => {
  const cv = await loadOpenCv();
  const colors = 1 << 20;
  const rgb = new Uint8Array(colors * 3);
  const ours = new Uint8Array(colors);
  withMats((keep) => {
    const source = keep(new cv.Mat(1024, 1024, cv.CV_8UC3));
    const hsv = keep(new cv.Mat());
    for (let block = 0; block < 16; block++) {
      for (let i = 0; i < colors; i++) {
        const color = block * colors + i;
        rgb[i * 3] = color >>> 16;
        rgb[i * 3 + 1] = color >>> 8;
        rgb[i * 3 + 2] = color;
      }
      source.data.set(rgb);
      cv.cvtColor(source, hsv, cv.COLOR_RGB2HSV);
      saturation(rgb, 1024, 1024, ours);
      const theirs = hsv.data;
      let different = 0;
      for (let i = 0; i < colors; i++) if (theirs[i * 3 + 1] !== ours[i]) different++;
      assert.equal(different, 0, `block ${block}`);
    }
  });
});

test('median and threshold, including images smaller than the window', async () => {
  const cv = await loadOpenCv();
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

/** Random images from 1 x 1 pixel to several words per row, 255 with probability `odds`, else 0. */
function* masks(count: number, random: RandomStream) {
  for (let round = 0; round < count; round++) {
    const most = round % 20 === 0 ? 150 : 14;
    const [width, height] = [1 + random.below(most), 1 + random.below(most)];
    const odds = random.below(101);
    const mask = Uint8Array.from({ length: width * height }, () => (random.below(100) < odds ? 255 : 0));
    yield { mask, width, height, note: `round ${round}: ${width} x ${height}` };
  }
}

test('outlines, including their order and hierarchy', async () => {
  const cv = await loadOpenCv();
  let holes = 0;
  for (const { mask, width, height, note } of masks(600, new RandomStream('outlines'))) {
    const found = traceContours(mask, width, height);
    assert.deepEqual(found, openCvContours(cv, mask, width, height), note);
    holes += found.hierarchy.filter((parent, i) => i % 4 === 3 && parent >= 0).length;
  }
  assert.ok(holes > 500, `${holes}`);
});

test('morphological close with squares of all sizes', async () => {
  const cv = await loadOpenCv();
  const random = new RandomStream('close');
  for (const { mask, width, height, note } of masks(400, random)) {
    const size = 1 + random.below(9);
    const theirs = withMats((keep) => {
      const mat = matOf(cv, keep, mask, width, height);
      cv.morphologyEx(mat, mat, cv.MORPH_CLOSE, keep(new cv.Mat(size, size, cv.CV_8UC1, new cv.Scalar(1))));
      return mat.data.slice();
    });
    assert.deepEqual(closeMask(mask, width, height, size), theirs, `${note}, ${size}`);
  }
});

test("median blur and Otsu's threshold", async () => {
  const cv = await loadOpenCv();
  const random = new RandomStream('otsu');
  const thresholds = new Set<number>();
  for (let round = 0; round < 300; round++) {
    const [width, height] = [1 + random.below(25), 1 + random.below(25)];
    const spread = 1 + random.below(256);
    const values = Uint8Array.from({ length: width * height }, () => random.below(1 + random.below(spread)));
    const size = 1 + 2 * random.below(8);
    const theirs = withMats((keep) => {
      const blurred = keep(new cv.Mat());
      const mask = keep(new cv.Mat());
      cv.medianBlur(matOf(cv, keep, values, width, height), blurred, size);
      const threshold = cv.threshold(blurred, mask, 0, 255, cv.THRESH_BINARY + cv.THRESH_OTSU);
      return { blurred: blurred.data.slice(), threshold, mask: mask.data.slice() };
    });
    const blurred = medianBlur(values, width, height, size);
    const note = `round ${round}: ${width} x ${height}, ${size}`;
    assert.deepEqual(blurred, theirs.blurred, note);
    assert.equal(otsuThreshold(blurred), theirs.threshold, note);
    assert.deepEqual(thresholdInPlace(blurred, theirs.threshold), theirs.mask, note);
    thresholds.add(theirs.threshold);
  }
  assert.ok(thresholds.size > 50);
});

test('point in polygon, including edges and corners, area and bounding box', async () => {
  const cv = await loadOpenCv();
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

type Keep = Parameters<Parameters<typeof withMats>[0]>[0];

function matOf(cv: OpenCv, keep: Keep, values: Uint8Array, width: number, height: number) {
  const mat = keep(new cv.Mat(height, width, cv.CV_8UC1));
  mat.data.set(values);
  return mat;
}

function openCvContours(cv: OpenCv, mask: Uint8Array, width: number, height: number) {
  return withMats((keep) => {
    const found = keep(new cv.MatVector());
    const hierarchy = keep(new cv.Mat());
    const mat = matOf(cv, keep, mask, width, height);
    cv.findContours(mat, found, hierarchy, cv.RETR_CCOMP, cv.CHAIN_APPROX_NONE);
    const outlines = Array.from({ length: found.size() }, (_, index) => {
      const points = found.get(index);
      const outline = points.data32S.slice();
      points.delete();
      return outline;
    });
    return { outlines, hierarchy: hierarchy.data32S.slice() };
  });
}

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
