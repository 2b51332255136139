import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test, type TestContext } from 'node:test';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { findOpenSlideLibrary } from '../../../../domain/machine/fetch-openslide.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import type { SlideInfo } from '../../../../domain/pathology/slides/slide.js';
import { expectError } from '../../../support/expect-error.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';
import { writeTiff, type TiffEntry, type TiffImage } from '../../../support/tiff-writer.js';

before(() => findOpenSlideLibrary());

const SIDE = 128;
const TILE = 64;

/** A pixel of the slide: position and a sum, so that any turn or exchange of channels shows. */
const pixel = (x: number, y: number): [number, number, number] => [x, y + 64, (x + 2 * y) & 255];

const SLIDE = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
  const at = Math.floor(i / 3);
  return pixel(at % SIDE, Math.floor(at / SIDE))[i % 3];
});

/** One tile of the slide, of the given bands. */
function tileOf(column: number, row: number, bands: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: TILE * TILE * bands.length }, (_, i) => {
    const at = Math.floor(i / bands.length);
    const [x, y] = [column * TILE + (at % TILE), row * TILE + Math.floor(at / TILE)];
    return pixel(x, y)[bands[i % bands.length]];
  });
}

const DEFLATE = 8;

/** Collects images and their tiles of one file. */
class Draft {
  readonly blobs: Uint8Array[] = [];
  readonly images: TiffImage[] = [];

  /** Adds the slide with the given bands, each image with `changes`. */
  slide(bands: readonly number[], changes: Partial<TiffImage> = {}): this {
    const start = this.blobs.length;
    const columns = SIDE / TILE;
    for (let i = 0; i < columns * columns; i++)
      this.blobs.push(deflateSync(tileOf(i % columns, Math.floor(i / columns), bands)));
    const tileAt = (column: number, row: number) => start + row * columns + column;
    const samples = bands.length;
    return this.add({
      width: SIDE,
      height: SIDE,
      tileAt,
      samples,
      photometric: samples === 1 ? 1 : 2,
      ...changes,
    });
  }

  /** Adds an image of one color. */
  overview(side: number, changes: Partial<TiffImage> = {}): this {
    const blob = this.blobs.push(deflateSync(new Uint8Array(TILE * TILE * 3).fill(9))) - 1;
    return this.add({ width: side, height: side, tileAt: () => blob, ...changes });
  }

  private add(image: Pick<TiffImage, 'width' | 'height' | 'tileAt'> & Partial<TiffImage>): this {
    this.images.push({ tile: TILE, compression: DEFLATE, ...image });
    return this;
  }

  write(context: TestContext, name = 'slide.tif'): string {
    const path = join(temporaryFolder(context), name);
    writeTiff(path, this.images, this.blobs);
    return path;
  }
}

function read(path: string): { info: SlideInfo; pixels: Uint8Array } {
  const slide = openSlide(path);
  try {
    return { info: slide.info, pixels: slide.readLevel(0) };
  } finally {
    slide.close();
  }
}

const OME = (images: string, instrument = '') =>
  `<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">${instrument}${images}</OME>`;
const image = (pixels: string, inside: string, before = '') =>
  `<Image ID="Image:0">${before}<Pixels ID="Pixels:0" DimensionOrder="XYCZT" Type="uint8" SizeX="128" SizeY="128" SizeZ="1" SizeT="1" ${pixels}>${inside}</Pixels></Image>`;
const channels = (...attributes: string[]) =>
  attributes.map((text, i) => `<Channel ID="Channel:0:${i}" SamplesPerPixel="1" ${text}/>`).join('');

test('three gray planes of an OME-TIFF are the red, green and blue of the slide', (context) => {
  const pages = (inside: string, order = [0, 1, 2]) => {
    const description = OME(image('SizeC="3"', inside));
    const draft = new Draft();
    order.forEach((band, i) => draft.slide([band], i === 0 ? { description } : {}));
    return read(draft.write(context, 'planar.ome.tif')).pixels;
  };
  assert.deepEqual(pages(`${channels('', '', '')}<TiffData/>`), SLIDE);
  assert.deepEqual(pages(channels('Name="Red"', 'Name="Green"', 'Name="Blue"')), SLIDE);
  assert.deepEqual(pages(channels('Color="-16776961"', 'Color="16711935"', 'Color="65535"')), SLIDE);
  const places = [2, 0, 1].map((c, ifd) => `<TiffData FirstC="${c}" IFD="${ifd}" PlaneCount="1"/>`).join('');
  assert.deepEqual(pages(channels('', '', '') + places, [2, 0, 1]), SLIDE, 'in the order of TiffData');
});

test('gray planes that are something else are refused with their names', (context) => {
  const pages = (count: number, inside: string) => {
    const description = OME(image(`SizeC="${count}"`, inside));
    const draft = new Draft();
    for (let i = 0; i < count; i++) draft.slide([i % 3], i === 0 ? { description } : {});
    return draft.write(context, 'stain.ome.tif');
  };
  const refused = (path: string, ...words: (string | RegExp)[]) =>
    expectError('UnsupportedFormat', [path, ...words], () => openSlide(path));
  const dyes = channels('Name="DAPI"', 'Name="CD3"', 'Name="CD8"');
  refused(pages(3, dyes), 'SizeC 3, SamplesPerPixel 1', 'DAPI, CD3, CD8');
  refused(pages(3, channels('Color="65535"', 'Color="16711935"', 'Color="-16776961"')), 'SizeC 3');
  refused(pages(4, channels('', '', '', '')), '4 gray planes');
  const stack = new Draft().slide([0]).slide([1]).slide([2]).write(context);
  refused(stack, '3 gray images of 128 x 128 pixels');
  const hyper = new Draft().slide([0], { description: 'ImageJ=1.53\nimages=3\nchannels=3\n' }).write(context);
  refused(hyper, '3 gray images');
  assert.equal(read(new Draft().slide([1]).write(context)).pixels[2], 64, 'one gray image is a slide');
});

test('the first of several images of one size is read, and the notes say so', (context) => {
  const notesOf = (draft: Draft) => read(draft.write(context)).info.notes;
  const rgb = [0, 1, 2];
  const description = OME(
    image('SizeC="3"', '<Channel SamplesPerPixel="3"/><TiffData/>').replace('SizeZ="1"', 'SizeZ="3"'),
  );
  const said = ['the first of 3 images of the same size is read'];
  assert.deepEqual(notesOf(new Draft().slide(rgb).slide(rgb).slide(rgb)), said);
  assert.deepEqual(notesOf(new Draft().slide(rgb, { description }).slide(rgb).slide(rgb)), said);
  assert.deepEqual(notesOf(new Draft().slide(rgb)), []);
});

test('a compression that libvips was built without is refused by name', async (context) => {
  const path = join(temporaryFolder(context), 'strips.tif');
  await sharp(SLIDE, { raw: { width: SIDE, height: SIDE, channels: 3 } })
    .tiff({ compression: 'lzw' })
    .toFile(path);
  const bytes = readFileSync(path);
  bytes.writeUInt16LE(50_000, bytes.indexOf(Buffer.from([3, 1, 3, 0, 1, 0, 0, 0])) + 8);
  writeFileSync(path, bytes);
  expectError('UnsupportedFormat', ['compression 50000 (Zstandard)'], () => openSlide(path));
});

test('the largest image is the slide, wherever an overview stands', (context) => {
  for (const side of [32, 64]) {
    const first = read(new Draft().overview(side).slide([0, 1, 2]).write(context));
    assert.deepEqual(first.pixels, SLIDE, `after an overview of ${side}`);
    assert.match(first.info.notes?.join() ?? '', /largest image \(page 2 of 2, 128 x 128/);
    assert.equal(first.info.levels.length, 1, 'an overview before the slide is no level of it');
    const last = read(new Draft().slide([0, 1, 2]).overview(side).write(context));
    assert.deepEqual(last.pixels, SLIDE);
    assert.deepEqual(last.info.notes ?? [], []);
  }
  const description = OME(
    '<Image ID="Image:0"><Pixels SizeX="32" SizeY="32" SizeC="3" PhysicalSizeX="8" PhysicalSizeY="8"><Channel SamplesPerPixel="3"/><TiffData IFD="0"/></Pixels></Image>' +
      '<Image ID="Image:1"><Pixels SizeX="128" SizeY="128" SizeC="3" PhysicalSizeX="0.5" PhysicalSizeY="0.5"><Channel SamplesPerPixel="3"/><TiffData IFD="1"/></Pixels></Image>',
  );
  const ome = read(new Draft().overview(32, { description }).slide([0, 1, 2]).write(context, 'two.ome.tif'));
  assert.deepEqual(ome.pixels, SLIDE);
  assert.deepEqual(ome.info.mpp, [0.5, 0.5], 'of the image that is the slide');
});

test('Orientation does not scramble tiles: pixels are those that are stored', async (context) => {
  for (const orientation of [2, 3, 6, 8]) {
    const path = new Draft().slide([0, 1, 2], { entries: [[274, 3, [orientation]]] }).write(context);
    assert.deepEqual(read(path).pixels, SLIDE, `Orientation ${orientation} in tiles`);
  }
  const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
  const strips = join(temporaryFolder(context), 'strips.tif');
  await sharp(SLIDE, { raw }).withMetadata({ orientation: 6 }).tiff({ compression: 'none' }).toFile(strips);
  assert.deepEqual(read(strips).pixels, SLIDE, 'Orientation 6 in strips');
});

test('samples that do not state what white is, and unknown codecs and colors, are named', (context) => {
  const refused = (changes: Partial<TiffImage>, ...words: string[]) => {
    const path = new Draft().slide([0, 1, 2], changes).write(context);
    expectError('UnsupportedFormat', [path, ...words], () => openSlide(path));
  };
  const formats = (format: number): TiffEntry => [339, 3, [format, format, format]];
  refused({ bits: 32, entries: [formats(3)] }, 'floats of 32 bits');
  refused({ bits: 16, entries: [formats(2)] }, 'signed integers of 16 bits');
  refused({ bits: 32 }, 'unsigned integers of 32 bits');
  refused({ photometric: 8 }, 'CIE L*a*b*');
  refused({ entries: [[284, 3, [2]]] }, 'PlanarConfiguration 2');
  for (const [compression, name] of [
    [34712, 'JPEG 2000'],
    [50002, 'JPEG XL'],
    [34925, 'LZMA'],
    [34887, 'LERC'],
  ] as const) {
    refused({ compression }, `compression ${compression} (${name})`, 'not damaged');
  }
});

test('CMYK becomes RGB by the formula of Pillow, in tiles and in a JPEG', async (context) => {
  const path = join(temporaryFolder(context), 'cmyk.tif');
  const ink = Uint8Array.from({ length: SIDE * SIDE * 4 }, (_, i) => ((i >> 2) % SIDE) | ((i & 3) << 5));
  const expected = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => {
    const at = Math.floor(i / 3) * 4;
    const light = 255 - ink[at + 3];
    return light - Math.round((ink[at + (i % 3)] * light) / 255);
  });
  const cmyk = { width: SIDE, height: SIDE, tile: SIDE, compression: DEFLATE, samples: 4, photometric: 5 };
  writeTiff(path, [{ ...cmyk, tileAt: () => 0 }], [deflateSync(ink)]);
  assert.deepEqual(read(path).pixels, expected);
  const jpeg = join(temporaryFolder(context), 'cmyk.jpg');
  await sharp(path).pipelineColourspace('cmyk').toColourspace('cmyk').jpeg({ quality: 100 }).toFile(jpeg);
  assert.equal((await sharp(jpeg).metadata()).space, 'cmyk');
  assert.ok(difference(read(jpeg).pixels, expected) <= 6);
});

/** Largest difference of two arrays. */
function difference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);
}

test('colors under zero alpha are black, and other alpha is dropped', async (context) => {
  const folder = temporaryFolder(context);
  const raw = { width: 256, height: 256, channels: 4 } as const;
  const rgba = Uint8Array.from({ length: 256 * 256 * 4 }, (_, i) =>
    i % 4 === 3 ? [0, 255, 128][(i >> 2) % 3] : (i * 7) & 255,
  );
  const expected = Uint8Array.from({ length: 256 * 256 * 3 }, (_, i) => {
    const at = Math.floor(i / 3) * 4;
    return rgba[at + 3] === 0 ? 0 : rgba[at + (i % 3)];
  });
  await sharp(rgba, { raw }).png().toFile(join(folder, 'a.png'));
  await sharp(rgba, { raw }).tiff({ compression: 'none' }).toFile(join(folder, 'a.tif'));
  await sharp(rgba, { raw }).tiff({ compression: 'deflate', tile: true }).toFile(join(folder, 'b.tif'));
  for (const name of ['a.png', 'a.tif']) assert.deepEqual(read(join(folder, name)).pixels, expected, name);
  // OpenSlide stores colors times alpha, so it returns them rounded.
  assert.ok(difference(read(join(folder, 'b.tif')).pixels, expected) <= 1);
});
