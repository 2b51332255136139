import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type PixelPolygon, tracePolygons } from '../../../../domain/pathology/annotations/mask-polygons.js';
import { areaOf, encodeMask } from '../../../../domain/files/run-length.js';
import { RandomStream } from '../../../../domain/random.js';

function polygonsOf(...rows: string[]): PixelPolygon[] {
  const mask = Uint8Array.from(rows.join(''), (c) => (c === '#' ? 1 : 0));
  return tracePolygons(encodeMask(mask, rows.length, rows[0].length));
}

/** Signed area by the shoelace formula: positive if the ring is clockwise on a screen. */
function signedArea(ring: Int32Array): number {
  let doubled = 0;
  for (let i = 0, last = ring.length - 2; i < ring.length; last = i, i += 2)
    doubled += ring[last] * ring[i + 1] - ring[i] * ring[last + 1];
  return doubled / 2;
}

function isInside(ring: Int32Array, x: number, y: number): boolean {
  let inside = false;
  for (let i = 0, last = ring.length - 2; i < ring.length; last = i, i += 2) {
    const [y0, y1] = [ring[last + 1], ring[i + 1]];
    if (y0 > y !== y1 > y && ring[i] > x) inside = !inside;
  }
  return inside;
}

test('traces a pixel, a hole, and an island in the hole', () => {
  assert.deepEqual(polygonsOf('...', '.#.'), [{ outline: Int32Array.of(1, 1, 2, 1, 2, 2, 1, 2), holes: [] }]);
  const nested = polygonsOf('#####', '#...#', '#.#.#', '#...#', '#####');
  assert.deepEqual(
    nested.map(({ outline, holes }) => [signedArea(outline), holes.map(signedArea)]),
    [
      [25, [-9]],
      [1, []],
    ],
  );
  assert.deepEqual(polygonsOf('..', '..'), []);
});

test('separates pixels that meet only at a corner, and keeps a hole that touches the outside at a corner', () => {
  assert.equal(polygonsOf('#.', '.#').length, 2);
  const [ring] = polygonsOf('###', '#.#', '##.');
  assert.deepEqual(
    [signedArea(ring.outline), ring.holes.map(signedArea)],
    [8, [-1]],
    'the hole at the middle meets the missing corner',
  );
});

test('polygons reproduce any mask, and their rings are simple and have the right orientation', () => {
  const random = new RandomStream('mask polygons');
  for (let round = 0; round < 300; round++) {
    const [h, w] = [1 + random.below(14), 1 + random.below(14)];
    const density = random.uniform();
    const mask = Uint8Array.from({ length: h * w }, () => (random.uniform() < density ? 1 : 0));
    const rle = encodeMask(mask, h, w);
    const polygons = tracePolygons(rle);
    const rings = polygons.flatMap(({ outline, holes }) => [outline, ...holes]);
    for (const ring of rings) {
      const corners = Array.from({ length: ring.length / 2 }, (_, i) => `${ring[2 * i]} ${ring[2 * i + 1]}`);
      assert.equal(new Set(corners).size, corners.length, 'no ring meets itself');
    }
    assert.ok(polygons.every(({ outline }) => signedArea(outline) > 0));
    assert.ok(polygons.every(({ holes }) => holes.every((hole) => signedArea(hole) < 0)));
    assert.equal(
      rings.reduce((sum, ring) => sum + signedArea(ring), 0),
      areaOf(rle),
    );
    const filled = Uint8Array.from(mask, (_, at) => {
      const [x, y] = [(at % w) + 0.5, Math.floor(at / w) + 0.5];
      const holding = polygons.filter(
        ({ outline, holes }) => isInside(outline, x, y) && !holes.some((hole) => isInside(hole, x, y)),
      );
      return holding.length;
    });
    assert.deepEqual(filled, mask, 'each pixel in exactly one polygon');
  }
});
