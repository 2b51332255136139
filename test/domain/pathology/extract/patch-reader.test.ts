import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PatchReader } from '../../../../domain/pathology/extract/patch-reader.js';
import { ResizeAndCrop } from '../../../../domain/pathology/extract/resize-and-crop.js';
import { fixture } from '../../../support/fixtures.js';
import { fixturePixels } from '../../../support/pixels.js';

for (const [patchSize, resizeTo, size] of [
  [80, 64, 56],
  [64, 64, 56],
  [56, 64, 56],
  [56, 56, 56],
] as const) {
  test(`a patch of ${patchSize} pixels, resized to ${resizeTo}, of which ${size} are used`, async () => {
    const { data, width } = await fixturePixels('resize/crop/input_80x80.png');
    const patch = new Uint8Array(patchSize * patchSize * 3);
    for (let row = 0; row < patchSize; row++)
      patch.set(data.subarray(row * width * 3, (row * width + patchSize) * 3), row * patchSize * 3);
    const rule = { shortestEdge: resizeTo, crop: size, filter: 'bicubic' } as const;
    const expected = new ResizeAndCrop(patchSize, patchSize, rule).apply(patch);

    const slide = fixture('resize/crop/input_80x80.png');
    const reader = new PatchReader({
      slide,
      level: 0,
      patchSize,
      fits: [{ size, resizeTo, resize: 'bicubic' }],
    });
    const read = new Uint8Array(size * size * 3);
    reader.read(0, 0, [read]);
    reader.close();
    assert.deepEqual(read, expected);
  });
}
