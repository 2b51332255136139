import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ResizeAndCrop } from '../../../../domain/pathology/extract/resize-and-crop.js';
import type { ResizeFilter } from '../../../../domain/pathology/slides/resize.js';
import { fixture } from '../../../support/fixtures.js';
import { fixturePixels } from '../../../support/pixels.js';

interface Case {
  name: string;
  input: string;
  input_rgb_sha256: string;
  input_width: number;
  input_height: number;
  shortest_edge: number;
  crop: number;
  filter: ResizeFilter;
  output_rgb_sha256: string;
}

const { cases } = JSON.parse(readFileSync(fixture('resize/crop/crop.json'), 'utf8')) as { cases: Case[] };

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

for (const one of cases) {
  test(`${one.name}: ${one.input} equals torchvision on Pillow bit for bit`, async () => {
    const { data } = await fixturePixels(`resize/crop/${one.input}`);
    assert.equal(sha256(data), one.input_rgb_sha256, 'the fixture itself');
    const rule = { shortestEdge: one.shortest_edge, crop: one.crop, filter: one.filter };
    const fit = new ResizeAndCrop(one.input_width, one.input_height, rule);
    assert.equal(sha256(fit.apply(data)), one.output_rgb_sha256);
    assert.equal(sha256(fit.apply(data)), one.output_rgb_sha256, 'the second patch of a slide');
  });
}

test('a crop that is larger than the resized image is refused', () => {
  assert.throws(() => new ResizeAndCrop(300, 300, { shortestEdge: 224, crop: 256, filter: 'bicubic' }), {
    code: 'InvalidInput',
    message: /expected 1 to 224 pixels; found 256/,
  });
});
