import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { findOpenSlideLibrary } from '../../../../domain/machine/fetch-openslide.js';
import { omeProperties, readOme } from '../../../../domain/pathology/slides/ome.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { readMpp } from '../../../../domain/pathology/slides/properties.js';
import { OpenSlideSlide } from '../../../../domain/pathology/slides/openslide.js';
import type { Slide } from '../../../../domain/pathology/slides/slide.js';
import { TiffSlide } from '../../../../domain/pathology/slides/tiff-slide.js';
import { choosePatchScale } from '../../../../domain/pathology/patch/patch-scale.js';
import { writeHugeSlide } from '../../../support/huge-slide.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { writeTiff, type TiffImage } from '../../../support/tiff-writer.js';

before(() => findOpenSlideLibrary());

const DEFLATE = 8;
const SIZES = [
  [700, 500],
  [350, 250],
  [175, 125],
] as const;

const XML = (pixels: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">
  <Instrument ID="Instrument:0"><Objective ID="Objective:0" NominalMagnification="20.0"/></Instrument>
  <Image ID="Image:0"><Pixels ID="Pixels:0" Type="uint8" SizeX="700" SizeY="500" ${pixels}/></Image></OME>`;

/** Pixels that encode their position and level: (x, y, level) modulo 256. */
function pixelsOf(level: number): Uint8Array {
  const [width, height] = SIZES[level];
  const rgb = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) rgb.set([x & 255, y & 255, level * 50], (y * width + x) * 3);
  }
  return rgb;
}

/** Three levels as sub-images of one page, as in OME-TIFF; `spoil` can damage the encoded tiles. */
function writeOme(context: TestContext, description: string, spoil = (tiles: Uint8Array[]) => tiles): string {
  const tile = 64;
  const tiles: Uint8Array[] = [];
  const [first, ...below] = SIZES.map(([width, height], level): TiffImage => {
    const rgb = pixelsOf(level);
    const columns = Math.ceil(width / tile);
    const start = tiles.length;
    for (let index = 0; index < columns * Math.ceil(height / tile); index++) {
      const [left, top] = [(index % columns) * tile, Math.floor(index / columns) * tile];
      const cut = new Uint8Array(tile * tile * 3);
      for (let y = 0; y < Math.min(tile, height - top); y++) {
        const line = ((top + y) * width + left) * 3;
        cut.set(rgb.subarray(line, line + Math.min(tile, width - left) * 3), y * tile * 3);
      }
      tiles.push(deflateSync(cut));
    }
    const tileAt = (column: number, row: number) => start + row * columns + column;
    return { width, height, tile, compression: DEFLATE, tileAt };
  });
  const path = join(temporaryFolder(context), 'slide.ome.tif');
  writeTiff(path, [{ ...first, description, subImages: below }], spoil(tiles));
  return path;
}

function pixelAt(slide: Slide, x: number, y: number, level: number): number[] {
  return [...slide.readRegion(x, y, level, 1, 1)];
}

test('an OME-TIFF has the levels of its sub-images, and the resolution of its XML', (context) => {
  const path = writeOme(context, XML('PhysicalSizeX="500" PhysicalSizeXUnit="nm" PhysicalSizeY="0.5"'));
  const alone = OpenSlideSlide.open(path);
  assert.equal(alone?.info.levels.length, 1, 'OpenSlide sees the first level only');
  alone?.close();
  const slide = openSlide(path);
  assert.deepEqual(
    slide.info.levels.map(({ width, height, downsample }) => [width, height, ...downsample]),
    [
      [700, 500, 1, 1],
      [350, 250, 2, 2],
      [175, 125, 4, 4],
    ],
  );
  assert.deepEqual([slide.info.mpp, slide.info.objectivePower], [[0.5, 0.5], 20]);
  for (const level of [0, 1, 2]) assert.deepEqual(slide.readLevel(level), pixelsOf(level), `level ${level}`);
  assert.deepEqual(pixelAt(slide, 600, 480, 0), [600 & 255, 480 & 255, 0]);
  assert.deepEqual(pixelAt(slide, 600, 480, 1), [300 & 255, 240, 50], 'positions are those of level 0');
  assert.deepEqual(
    [1, 1.9, 2, 3.9, 4, 100].map((d) => slide.bestLevelForDownsample(d)),
    [0, 0, 1, 1, 2, 2],
  );
  assert.deepEqual(
    choosePatchScale(slide, { patchSize: 100, patchLevel: 0, customDownsample: 1, mpp: 1.5 }),
    {
      patchLevel: 1,
      patchSize: 150,
      stepSize: 150,
      exact: true,
      slideMpp: 0.5,
      targetMpp: 1.5,
    },
  );
  slide.close();
  assert.throws(() => slide.readLevel(0), { name: 'CorruptSlide', message: /closed/ });
  const bare = openSlide(writeOme(context, XML('')));
  const scale = choosePatchScale(bare, { patchSize: 100, patchLevel: 0, customDownsample: 1, mpp: 1 });
  bare.close();
  assert.deepEqual([scale.slideMpp, scale.estimated], [0.5, true], 'of a 20x objective, and said so');
});

test('pixels outside an OME-TIFF are black', (context) => {
  const slide = openSlide(writeOme(context, ''));
  const corner = slide.readRegion(-2, 498, 0, 4, 4);
  const expected = new Uint8Array(4 * 4 * 3);
  for (const [x, y] of [
    [2, 0],
    [3, 0],
    [2, 1],
    [3, 1],
  ])
    expected.set([x - 2, (498 + y) & 255, 0], (y * 4 + x) * 3);
  assert.deepEqual(corner, expected);
  assert.deepEqual(slide.readRegion(9000, 9000, 2, 2, 2), new Uint8Array(12));
  assert.equal(slide.info.mpp, undefined);
  slide.close();
});

test('an undecodable tile makes only its handle unusable and names the file', (context) => {
  const path = writeOme(context, '', (tiles) =>
    tiles.map((tile, i) => (i === 3 ? new Uint8Array(tile.length) : tile)),
  );
  const slide = openSlide(path);
  assert.deepEqual(pixelAt(slide, 10, 10, 0), [10, 10, 0]);
  assert.throws(() => slide.readRegion(3 * 64, 0, 0, 64, 64), {
    name: 'CorruptSlide',
    message: /slide\.ome\.tif: .*damaged/,
  });
  assert.throws(() => pixelAt(slide, 10, 10, 0), { name: 'CorruptSlide', message: /no longer/ });
  slide.close();
});

test('libvips reads tiles that OpenSlide cannot decode', async (context) => {
  const path = join(temporaryFolder(context), 'webp.tif');
  const raw = { width: 700, height: 500, channels: 3 } as const;
  await sharp(pixelsOf(0), { raw })
    .tiff({
      compression: 'webp',
      quality: 90,
      tile: true,
      pyramid: true,
      xres: 40,
      yres: 40,
      resolutionUnit: 'cm',
    })
    .toFile(path);
  const slide = openSlide(path);
  assert.ok(slide instanceof TiffSlide);
  assert.deepEqual(
    slide.info.levels.map(({ width }) => width),
    [700, 350, 175],
  );
  assert.equal(slide.info.mpp, undefined, '25 um per pixel, as of a print, is not believed');
  assert.equal(slide.info.properties['openslide.mpp-x'], '25');
  const [red, green] = pixelAt(slide, 128, 64, 1);
  assert.ok(Math.abs(red - 128) < 40 && Math.abs(green - 64) < 40, `${red}, ${green}`);
  slide.close();
});

test('reads a single tile of a slide that does not fit into memory', async (context) => {
  const path = join(temporaryFolder(context), 'huge.tif');
  await writeHugeSlide(path, { side: 60_000, tile: 512, levels: 1 });
  assert.ok(readFileSync(path).length < 2e6);
  const byOpenSlide = openSlide(path);
  assert.ok(byOpenSlide instanceof OpenSlideSlide);
  const level = (subifd: number, width: number) => ({
    places: [{ page: subifd < 0 ? 0 : 1, subifd: -1 }],
    width,
    height: width,
  });
  const levels = [level(-1, 60_000), level(0, 15_000)];
  const before = process.memoryUsage.rss();
  const byVips = new TiffSlide(path, { levels, properties: {}, notes: [] });
  for (const [x, y] of [
    [20_000, 30_000],
    [0, 0],
    [59_904, 59_904],
  ]) {
    const ours = byVips.readRegion(x, y, 0, 96, 96);
    const theirs = byOpenSlide.readRegion(x, y, 0, 96, 96);
    // Two JPEG decoders may differ by one rounding step.
    const off = ours.reduce((most, value, i) => Math.max(most, Math.abs(value - theirs[i])), 0);
    assert.ok(off <= 4, `${off} at (${x}, ${y})`);
  }
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  assert.ok(grown < 300, `${grown} MB more`);
  byVips.close();
  byOpenSlide.close();
});

test('reads OME-XML lengths in many units and nothing from other descriptions', () => {
  const of = (pixels: string) => omeProperties(readOme(XML(pixels)) ?? assert.fail());
  const power = { 'ome.NominalMagnification': '20.0' };
  const both = (value: string) => ({ ...power, 'ome.PhysicalSizeX': value, 'ome.PhysicalSizeY': value });
  assert.deepEqual(of('PhysicalSizeX="0.25" PhysicalSizeY="0.25"'), both('0.25'));
  const unit = (name: string) => `PhysicalSizeXUnit="${name}" PhysicalSizeYUnit="${name}"`;
  assert.deepEqual(of(`PhysicalSizeX="0.25" PhysicalSizeY="0.25" ${unit('&#181;m')}`), both('0.25'));
  assert.deepEqual(of(`PhysicalSizeX="0.0005" PhysicalSizeY="0.0005" ${unit('mm')}`), both('0.5'));
  assert.deepEqual(of(`PhysicalSizeX="0.25" PhysicalSizeY="0.25" ${unit('pixel')}`), both('0.25 pixel'));
  assert.equal(readMpp(both('0.25 pixel')), undefined, 'a pixel is not a length');
  assert.deepEqual(of('PhysicalSizeX="1,5" PhysicalSizeY="1,5"'), both('1.5'));
  assert.equal(readOme('Aperio Image Library|MPP = 0.25'), undefined);
  assert.equal(readOme(undefined), undefined);
});

test('refuses a truncated OME-TIFF as truncated', (context) => {
  const path = writeOme(context, '');
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, whole.length - 20));
  assert.throws(() => openSlide(path), { name: 'CorruptSlide', message: /truncated/ });
});
