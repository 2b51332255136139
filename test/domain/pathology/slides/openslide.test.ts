import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import sharp from 'sharp';
import { findOpenSlideLibrary } from '../../../../domain/machine/fetch-openslide.js';
import { levelPieces, reducePiece } from '../../../../domain/pathology/slides/level-pieces.js';
import { openSlideApi } from '../../../../domain/pathology/slides/openslide-binding.js';
import { argbToRgb } from '../../../../domain/pathology/slides/argb.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { readMpp, readObjectivePower } from '../../../../domain/pathology/slides/properties.js';
import { BUNDLED_SLIDE } from '../../../support/bundled.js';
import { fixture } from '../../../support/fixtures.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

const { cases } = JSON.parse(readFileSync(fixture('slides/openslide-python.json'), 'utf8')) as {
  cases: { region: [number, number, number, number, number]; sha256: string }[];
};

const sha256 = (data: Uint8Array) => createHash('sha256').update(data).digest('hex');

before(() => findOpenSlideLibrary());

test('pixels equal those of openslide-python, including outside the slide', () => {
  const slide = openSlide(BUNDLED_SLIDE);
  for (const { region, sha256: expected } of cases) {
    assert.equal(sha256(slide.readRegion(...region)), expected, region.join(', '));
  }
  assert.equal(sha256(slide.readLevel(0)), cases[0].sha256);
  slide.close();
});

test('reads the levels, resolution and properties of the bundled slide', () => {
  const slide = openSlide(BUNDLED_SLIDE, { cacheBytes: 1 << 20 });
  assert.equal(slide.info.vendor, 'aperio');
  assert.deepEqual(slide.info.mpp, [0.499, 0.499]);
  assert.equal(slide.info.objectivePower, 20);
  assert.equal(slide.info.properties['aperio.AppMag'], '20');
  assert.deepEqual(
    slide.info.levels.map(({ width, height, downsample }) => ({ width, height, downsample })),
    [{ width: 2220, height: 2967, downsample: [1, 1] }],
  );
  assert.equal(slide.bestLevelForDownsample(64), 0);
  slide.close();
  slide.close();
  assert.throws(() => slide.readRegion(0, 0, 0, 1, 1), { name: 'CorruptSlide', message: /slide is closed/ });
});

test('a level wider than one piece equals one whole-level call of the library', async (context) => {
  const path = join(temporaryFolder(context), 'wide.tif');
  await noisyPyramid(path, 8301, 65);
  const slide = openSlide(path);
  const level = slide.info.levels.findIndex(({ width }) => width === 4150);
  const { width, height, readDownsample } = slide.info.levels[level];
  assert.ok(
    width > 4096 && readDownsample !== Math.trunc(readDownsample ?? 1),
    'a broken downsample is the point',
  );

  const api = openSlideApi();
  const handle = api.open(path)!;
  const pixels = new Uint32Array(width * height);
  api.readRegion(handle, pixels, 0, 0, level, width, height);
  const whole = argbToRgb(pixels, width, height, new Uint8Array(width * height * 3), 0, width);
  api.close(handle);

  assert.equal(sha256(slide.readLevel(level)), sha256(whole));
  const joined = new Uint8Array(width * height * 3);
  for (const piece of levelPieces(slide, level)) {
    for (let row = 0; row < piece.height; row++) {
      const line = piece.rgb.subarray(row * piece.width * 3, (row + 1) * piece.width * 3);
      joined.set(line, ((piece.y + row) * width + piece.x) * 3);
    }
  }
  assert.equal(sha256(joined), sha256(whole));
  slide.close();
});

test('reduced pieces are averages of squares, clipped at the border', async (context) => {
  const path = join(temporaryFolder(context), 'small.png');
  const rgb = Buffer.from([10, 0, 0, 20, 0, 0, 90, 1, 2, 30, 0, 0, 40, 0, 0, 110, 3, 4]);
  writeFileSync(
    path,
    await sharp(rgb, { raw: { width: 3, height: 2, channels: 3 } })
      .png()
      .toBuffer(),
  );
  const slide = openSlide(path);
  const [piece] = Array.from(levelPieces(slide, 0), (whole) => reducePiece(whole, 2));
  assert.deepEqual(
    { ...piece, rgb: [...piece.rgb] },
    { x: 0, y: 0, width: 2, height: 1, rgb: [25, 0, 0, 100, 2, 3] },
  );
  slide.close();
});

test('un-premultiplies transparent pixels like openslide-python', () => {
  const pixels = new Uint32Array([0xff102030, 0x00000000, 0x80402010, 0x01010000]);
  const rgb = argbToRgb(pixels, 4, 1, new Uint8Array(12), 0, 4);
  assert.deepEqual([...rgb], [0x10, 0x20, 0x30, 0, 0, 0, 127, 63, 31, 255, 0, 0]);
});

test('does not interpret a print resolution as µm per pixel', () => {
  const of = (x?: string) => readMpp(x === undefined ? {} : { 'openslide.mpp-x': x, 'openslide.mpp-y': x });
  assert.deepEqual(of('0.25'), [0.25, 0.25]);
  for (const text of ['352.7777', '0', '-1', 'nan', '', undefined]) assert.equal(of(text), undefined, text);
  assert.equal(readObjectivePower({ 'openslide.objective-power': '40' }), 40);
  assert.equal(readObjectivePower({ 'openslide.objective-power': '0' }), undefined);
});

test('repeated opening, reading and closing does not leak memory', () => {
  const cycle = (times: number) => {
    for (let i = 0; i < times; i++) {
      const slide = openSlide(BUNDLED_SLIDE);
      slide.readRegion(240 * (i % 8), 240, 0, 240, 240);
      slide.close();
      assert.throws(() => openSlide(fixture('README.md')), { name: 'UnsupportedFormat' });
    }
  };
  cycle(50);
  const before = process.memoryUsage.rss();
  cycle(400);
  const grown = (process.memoryUsage.rss() - before) / 1e6;
  // Leaked handles keep their tiles: 400 times 240 x 240 x 4 bytes would be 92 MB.
  assert.ok(grown < 40, `grew by ${grown.toFixed(1)} MB over 400 cycles`);
});

async function noisyPyramid(path: string, width: number, height: number): Promise<void> {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0, state = 1; i < data.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    data[i] = state >>> 24;
  }
  await sharp(data, { raw: { width, height, channels: 3 } })
    .tiff({ tile: true, tileWidth: 256, tileHeight: 256, pyramid: true, compression: 'deflate' })
    .toFile(path);
}
