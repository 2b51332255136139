import assert from 'node:assert/strict';
import { test } from 'node:test';
import { areaOf, bboxOf, decodeMask, encodeMask } from '../../../../domain/files/run-length.js';
import { RandomStream } from '../../../../domain/random.js';
import {
  groupFrame,
  groupPatches,
  roundHalfEven,
  type GroupMask,
} from '../../../../domain/pathology/features/groups.js';
import { groupCase, groupCaseNames } from '../../../support/group-case.js';

for (const name of groupCaseNames()) {
  test(`groups of ${name} equal those of the SAM-MIL code`, () => {
    const one = groupCase(name);
    assert.equal(one.frame.downsample, one.ds);
    assert.equal(one.frame.window, one.p);
    const { members, relativeArea } = groupPatches(one.flatCoords, one.frame, one.groupMasks);
    assert.deepEqual(
      members.map((rows) => [...rows]),
      one.expected.members,
    );
    assert.deepEqual([...relativeArea], one.expected.relative_area);
    const withMembers = members.flatMap((rows, mask) => (rows.length > 0 ? [mask] : []));
    assert.deepEqual(withMembers, one.expected.group_mask_indices);
  });
}

test('equals an all-pairs pixel search on random masks', () => {
  const random = new RandomStream('groups test');
  const image = { startX: -7, startY: 11, width: 83, height: 61 };
  const coords = Int32Array.from({ length: 800 }, (_, i) =>
    i % 2 === 0 ? random.below(420) - 30 : random.below(330),
  );
  const frame = groupFrame(image, 2.9, 2.5, 29);
  const masks = Array.from({ length: 25 }, () => randomMask(random, image.width, image.height));
  const { members } = groupPatches(coords, frame, masks);
  masks.forEach((mask, at) => assert.deepEqual([...members[at]], plainMembers(coords, mask)));

  function plainMembers(coords: Int32Array, { rle, bbox: [x0, y0, w, h] }: GroupMask): number[] {
    const pixels = decodeMask(rle);
    const rows: number[] = [];
    for (let row = 0; row < coords.length / 2; row++) {
      const x = roundHalfEven((coords[2 * row] - image.startX) / 5);
      const y = roundHalfEven((coords[2 * row + 1] - image.startY) / 5);
      if (x < x0 || y < y0 || x >= x0 + w || y >= y0 + h) continue;
      let any = false;
      for (let v = y; v < Math.min(image.height, y + 5); v++) {
        for (let u = x; u < Math.min(image.width, x + 5); u++) any ||= pixels[v * image.width + u] === 1;
      }
      if (any) rows.push(row);
    }
    return rows;
  }
});

test('rounds halves to even, including below zero', () => {
  assert.deepEqual(
    [0.5, 1.5, 2.5, -0.5, -1.5, 2.4999, 2.5001, -2.6].map((value) => roundHalfEven(value) + 0),
    [0, 2, 2, 0, -2, 2, 3, -3],
  );
});

test('refuses a mask whose size differs from the image, with both sizes', () => {
  const frame = groupFrame({ startX: 0, startY: 0, width: 8, height: 4 }, 1, 1, 1);
  const rle = encodeMask(new Uint8Array(12).fill(1), 4, 3);
  assert.throws(() => groupPatches(new Int32Array(2), frame, [{ rle, bbox: [0, 0, 2, 3], area: 12 }]), {
    code: 'CountMismatch',
    message: /mask 0 .*8 x 4.*3 x 4/,
  });
});

function randomMask(random: RandomStream, width: number, height: number): GroupMask {
  const pixels = new Uint8Array(width * height);
  const blobs = 1 + random.below(4);
  for (let blob = 0; blob < blobs; blob++) {
    const [left, top] = [random.below(width), random.below(height)];
    const [w, h] = [1 + random.below(20), 1 + random.below(20)];
    for (let y = top; y < Math.min(height, top + h); y++) {
      for (let x = left; x < Math.min(width, left + w); x++)
        pixels[y * width + x] = random.below(3) > 0 ? 1 : 0;
    }
  }
  const rle = encodeMask(pixels, height, width);
  return { rle, bbox: bboxOf(rle), area: areaOf(rle) };
}
