import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { crc32 } from '../../../../domain/files/crc32.js';
import { findOpenSlideLibrary } from '../../../../domain/machine/fetch-openslide.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { expectError } from '../../../support/expect-error.js';
import { scratchFolder } from '../../../support/scratch-folder.js';

before(() => findOpenSlideLibrary());
const folder = scratchFolder();

const BYTE = 1;
const ASCII = 2;
const LONG = 4;

type Entry = [tag: number, type: number, count: number, value: number];

/** A classic TIFF of 256,000 x 256,000 pixels with these directories, each at its own offset. */
function tiff(
  name: string,
  directories: { entries: Entry[]; next: (offsets: number[]) => number }[],
): string {
  const sizes = directories.map(({ entries }) => 2 + 12 * entries.length + 4);
  const offsets = sizes.map((_, i) => 8 + sizes.slice(0, i).reduce((sum, size) => sum + size, 0));
  const head = Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  const parts = directories.map(({ entries, next }, i) => {
    const bytes = Buffer.alloc(sizes[i]);
    bytes.writeUInt16LE(entries.length, 0);
    entries.forEach(([tag, type, count, value], at) => {
      bytes.writeUInt16LE(tag, 2 + 12 * at);
      bytes.writeUInt16LE(type, 4 + 12 * at);
      bytes.writeUInt32LE(count, 6 + 12 * at);
      bytes.writeUInt32LE(value, 10 + 12 * at);
    });
    bytes.writeUInt32LE(next(offsets), sizes[i] - 4);
    return bytes;
  });
  const path = join(folder, name);
  writeFileSync(path, Buffer.concat([head, ...parts]));
  return path;
}

function entries(side: number, more: Entry[]): Entry[] {
  const base: Entry[] = [
    [256, LONG, 1, side],
    [257, LONG, 1, side],
    [259, LONG, 1, 7],
    [322, LONG, 1, 256],
    [323, LONG, 1, 256],
  ];
  return [...base, ...more].sort(([a], [b]) => a - b);
}

const TILE: Entry[] = [
  [324, LONG, 1, 8],
  [325, LONG, 1, 8],
];

test('directories that form a loop are refused', () => {
  const self = tiff('self.tif', [{ entries: entries(256, TILE), next: ([first]) => first }]);
  expectError('CorruptSlide', [self, 'loop', 'directory 8 again'], () => openSlide(self));
  const back = tiff('back.tif', [
    { entries: entries(256, TILE), next: ([, second]) => second },
    { entries: entries(256, TILE), next: ([first]) => first },
  ]);
  expectError('CorruptSlide', [back, 'loop'], () => openSlide(back));
});

test('values that many directories share cannot be read again and again', () => {
  const shared: Entry[] = [
    [324, LONG, 1_000_000, 1 << 20],
    [325, LONG, 1_000_000, 1 << 20],
  ];
  const path = tiff(
    'shared.tif',
    Array.from({ length: 200 }, (_, i) => ({
      entries: entries(256, shared),
      next: (offsets: number[]) => offsets[i + 1] ?? 0,
    })),
  );
  truncateSync(path, 6 << 20);
  expectError('CorruptSlide', [path, 'overlap'], () => openSlide(path));
});

test('positions of a type that cannot hold them are refused before they are read', () => {
  for (const [tag, name, count] of [
    [324, 'tiles', 300_000_000],
    [330, 'sub-images', 60],
  ] as const) {
    const path = tiff(`${name}.tif`, [
      { entries: entries(256, [[tag, BYTE, count, 4096], TILE[1]]), next: () => 0 },
    ]);
    truncateSync(path, 310_000_000);
    expectError('CorruptSlide', [path, `tag ${tag}`, 'type 1'], () => openSlide(path));
  }
});

test('more tiles or sub-images than a slide can have are refused', () => {
  const grid = tiff('grid.tif', [{ entries: entries(2 ** 32 - 1, TILE), next: () => 0 }]);
  expectError('CorruptSlide', [grid, 'more tiles', '4294967295'], () => openSlide(grid));
  const many = tiff('many.tif', [
    { entries: entries(256, [[330, LONG, 1_000_000, 4096], ...TILE]), next: () => 0 },
  ]);
  truncateSync(many, 5_000_000);
  expectError('CorruptSlide', [many, 'sub-images', '1000000'], () => openSlide(many));
});

test('a description of hundreds of megabytes is refused', () => {
  const path = tiff('text.tif', [
    { entries: entries(256, [[270, ASCII, 400_000_000, 4096], ...TILE]), next: () => 0 },
  ]);
  truncateSync(path, 410_000_000);
  expectError('CorruptSlide', [path, 'text of tag 270', '400000000'], () => openSlide(path));
});

test('a small image that states billions of pixels is refused before it is decoded', (context) => {
  const path = join(folder, 'bomb.png');
  writeFileSync(path, png(60_000, 60_000));
  expectError('InvalidInput', [path, 'too many pixels', '60000 x 60000', 'SAM_MIL_IMAGE_MEGAPIXELS'], () =>
    openSlide(path),
  );
  process.env.SAM_MIL_IMAGE_MEGAPIXELS = '0.001';
  context.after(() => delete process.env.SAM_MIL_IMAGE_MEGAPIXELS);
  writeFileSync(path, png(40, 30));
  expectError('InvalidInput', [path, 'at most 0.001 megapixels', '40 x 30'], () => openSlide(path));
});

/** A PNG of one-bit gray whose rows are all 0. */
function png(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 1;
  const row = 1 + Math.ceil(width / 8);
  const rows = deflateSync(Buffer.alloc(Math.min(row * height, 1 << 20)));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', rows),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
