import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaOf, bboxOf, decodeMask, encodeMask } from '../../../domain/files/run-length.js';
import { RandomStream } from '../../../domain/random.js';

/** Parses rows of text, where `#` is a set pixel. */
function maskOf(...rows: string[]): { mask: Uint8Array; h: number; w: number } {
  return {
    mask: Uint8Array.from(rows.join(''), (c) => (c === '#' ? 1 : 0)),
    h: rows.length,
    w: rows[0].length,
  };
}

test('runs go down the columns and begin with background, as in COCO', () => {
  const { mask, h, w } = maskOf('##.', '.#.');
  // columns: "#.", "##", ".."
  assert.deepEqual(encodeMask(mask, h, w), { size: [2, 3], counts: Uint32Array.of(0, 1, 1, 2, 2) });
});

test('any mask survives a round trip; area and box agree with the pixels', () => {
  const random = new RandomStream('run-length test');
  for (let round = 0; round < 300; round++) {
    const [h, w] = [1 + random.below(12), 1 + random.below(12)];
    const density = random.uniform() ** 2;
    const mask = Uint8Array.from({ length: h * w }, () => (random.uniform() < density ? 1 : 0));
    const rle = encodeMask(mask, h, w);
    assert.deepEqual(decodeMask(rle), mask);
    const set = [...mask.keys()].filter((at) => mask[at] === 1);
    assert.equal(areaOf(rle), set.length);
    const xs = set.map((at) => at % w);
    const ys = set.map((at) => Math.floor(at / w));
    const [x, y] = [Math.min(...xs), Math.min(...ys)];
    const box = set.length === 0 ? [0, 0, 0, 0] : [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
    assert.deepEqual(bboxOf(rle), box);
  }
});

test('the box of one pixel has zero size, and the box of a full mask ends at the last pixel', () => {
  const { mask, h, w } = maskOf('...', '.#.');
  assert.deepEqual(bboxOf(encodeMask(mask, h, w)), [1, 1, 0, 0]);
  assert.deepEqual(bboxOf(encodeMask(new Uint8Array(12).fill(255), 3, 4)), [0, 0, 3, 2]);
});

test('runs that do not fill the mask are rejected', () => {
  assert.throws(
    () => decodeMask({ size: [2, 3], counts: Uint32Array.of(1, 4) }),
    /add up to 5 instead of 2 x 3 = 6/,
  );
  assert.throws(() => decodeMask({ size: [2, 3], counts: Uint32Array.of(1, 4_000_000_000) }), /add up to/);
  assert.throws(() => encodeMask(new Uint8Array(5), 2, 3), /5 pixels/);
});
