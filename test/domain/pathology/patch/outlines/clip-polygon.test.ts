import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cleanPolygon } from '../../../../../domain/pathology/patch/outlines/clip-polygon.js';
import {
  outlineArea,
  PolygonIndex,
  type Outline,
} from '../../../../../domain/pathology/patch/tissue/polygon.js';
import { RegionIndex } from '../../../../../domain/pathology/annotations/region-index.js';
import { RandomStream } from '../../../../../domain/random.js';

type Points = [number, number][];

const SLIDE = [2000, 3000] as const;
const areas = (rings: readonly Points[]) => {
  const { contours } = cleanPolygon(rings, SLIDE);
  return contours.map(({ outline, holes }) => [outlineArea(outline), ...holes.map(outlineArea)]);
};

test('outlines on the slide that do not meet themselves keep their points, truncated', () => {
  const outline: Points = [[0, 0.9], [2000, 0], [2000, 3000], [100.9, 50.4], [100.7, 50.2]]; // prettier-ignore
  const { contours, clipped } = cleanPolygon([outline], SLIDE);
  assert.equal(clipped, undefined);
  assert.deepEqual([...contours[0].outline], [0, 0, 2000, 0, 2000, 3000, 100, 50]);
});

test('a bow tie, a pinched outline, a spike and a hole in a corner are divided by the even-odd rule', () => {
  const bow: Points = [[0, 0], [100, 100], [100, 0], [0, 100]]; // prettier-ignore
  assert.deepEqual(areas([bow]), [[2500], [2500]]);
  const pinched: Points = [[0, 0], [100, 100], [200, 0], [200, 200], [100, 100], [0, 200]]; // prettier-ignore
  assert.deepEqual(areas([pinched]), [[10_000], [10_000]]);
  const spike: Points = [[1800, 2600], [1400, 2600], [600, 800], [200, 2400], [600, 2600]]; // prettier-ignore
  assert.deepEqual(areas([spike]), [[1_080_000]]);
  const inner: Points = [[0, 0], [300, 0], [300, 300], [0, 300], [0, 0], [200, 100], [100, 200]]; // prettier-ignore
  assert.deepEqual(areas([inner]), [[90_000, 15_000]]);
  const line: Points = [[0, 0], [300, 0], [100, 0]]; // prettier-ignore
  assert.deepEqual(areas([[...line, [300, 0]]]), []);
});

test('holes are cut off with their outline, and those outside it have no effect', () => {
  const outline: Points = [[-500, 100], [500, 100], [500, 600], [-500, 600]]; // prettier-ignore
  const hole: Points = [[-100, 200], [100, 200], [100, 300], [-100, 300]]; // prettier-ignore
  const elsewhere: Points = [[900, 900], [990, 900], [990, 990], [900, 990]]; // prettier-ignore
  assert.deepEqual(areas([outline, hole, elsewhere]), [[250_000, 10_000]]);
});

test('whatever the outline, points are inside exactly where the even-odd rule says so', () => {
  const stream = new RandomStream('outlines');
  for (let round = 0; round < 200; round++) {
    const grid = [200, 1, 50, 400][round % 4];
    const at = (side: number) => Math.round((stream.uniform() * (side + 400) - 200) / grid) * grid;
    const ring = Array.from({ length: 4 + (round % 23) }, (): [number, number] => [
      at(SLIDE[0]),
      at(SLIDE[1]),
    ]);
    const { contours } = cleanPolygon([ring], SLIDE);
    const expected = new RegionIndex([{ name: '', excluded: false, rings: [ring] }]);
    const index = (outline: Outline) => new PolygonIndex(outline);
    const found = contours.map(({ outline, holes }) => ({
      outline: index(outline),
      holes: holes.map(index),
    }));
    let wrong = 0;
    for (let i = 0; i < 500; i++) {
      const [x, y] = [stream.uniform() * SLIDE[0], stream.uniform() * SLIDE[1]];
      const inside = found.some(
        ({ outline, holes }) => outline.locate(x, y) > 0 && !holes.some((hole) => hole.locate(x, y) > 0),
      );
      if (inside !== expected.contains(x, y)) wrong += 1;
    }
    assert.ok(wrong <= 5, `${wrong} of 500 points of ${JSON.stringify(ring)}`);
  }
});
