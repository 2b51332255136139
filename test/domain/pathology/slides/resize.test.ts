import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import sharp from 'sharp';
import { Resizer, type ResizeFilter } from '../../../../domain/pathology/slides/resize.js';
import { resizeRgb } from '../../../support/pixels.js';
import { fixture } from '../../../support/fixtures.js';

interface Case {
  input: string;
  input_width: number;
  input_height: number;
  input_rgb_sha256: string;
  filter: ResizeFilter;
  width: number;
  height: number;
  output_rgb_sha256: string;
}

const { cases } = JSON.parse(readFileSync(fixture('resize/resize.json'), 'utf8')) as { cases: Case[] };

async function rgbOf(name: string): Promise<Uint8Array> {
  return sharp(fixture(`resize/${name}`))
    .removeAlpha()
    .raw()
    .toBuffer();
}

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

for (const one of cases) {
  test(`${one.input} ${one.filter} to ${one.width} x ${one.height} equals Pillow bit for bit`, async () => {
    const rgb = await rgbOf(one.input);
    assert.equal(sha256(rgb), one.input_rgb_sha256, 'the fixture itself');
    const from = { width: one.input_width, height: one.input_height };
    const resized = resizeRgb(rgb, from, { width: one.width, height: one.height }, one.filter);
    assert.equal(sha256(resized), one.output_rgb_sha256);
  });
}

test('copies an unchanged size and filters only the axis that changes', () => {
  const rgb = Uint8Array.from({ length: 4 * 2 * 3 }, (_, index) => index * 10);
  assert.deepEqual(new Resizer(4, 2, 4, 2, 'bicubic').resize(rgb), rgb);
  const halved = new Resizer(4, 2, 4, 1, 'bilinear').resize(rgb);
  assert.equal(halved.length, 4 * 3);
  // Mean of two rows that differ by 120.
  assert.deepEqual(
    halved,
    Uint8Array.from({ length: 12 }, (_, index) => index * 10 + 60),
  );
});

test('the result of a column does not depend on the image width', async () => {
  const [width, height] = [97, 61];
  const rgb = await rgbOf('slide_97x61.png');
  const columns = (data: Uint8Array, rows: number, of: number, from: number, count: number): Buffer =>
    Buffer.concat(
      Array.from({ length: rows }, (_, y) => data.subarray((y * of + from) * 3, (y * of + from + count) * 3)),
    );
  const all = new Resizer(width, height, width, 40, 'bicubic').resize(rgb);
  for (const count of [1, 2, 3, 4]) {
    const part = columns(rgb, height, width, width - count, count);
    const resized = new Resizer(count, height, count, 40, 'bicubic').resize(part);
    assert.deepEqual(Buffer.from(resized), columns(all, 40, width, width - count, count), `${count} wide`);
  }
});

test('refuses a size of zero', () => {
  assert.throws(() => new Resizer(4, 4, 0, 4, 'bilinear'), {
    code: 'InvalidInput',
    message: /4 x 4 to 0 x 4/,
  });
});
