import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { deflateSync } from 'node:zlib';
import { findOpenSlideLibrary } from '../../../../domain/machine/fetch-openslide.js';
import { openSlide } from '../../../../domain/pathology/slides/open.js';
import { expectError } from '../../../support/expect-error.js';
import { pngOf, tiffOf, tiledEntries, type Directory, type Entry } from '../../../support/image-headers.js';
import { scratchFolder } from '../../../support/scratch-folder.js';

before(() => findOpenSlideLibrary());
const folder = scratchFolder();

const BYTE = 1;
const ASCII = 2;
const LONG = 4;

function tiff(name: string, directories: readonly Directory[]): string {
  const path = join(folder, name);
  writeFileSync(path, tiffOf(directories));
  return path;
}

const TILE: Entry[] = [
  [324, LONG, 1, 8],
  [325, LONG, 1, 8],
];

test('directories that form a loop are refused', () => {
  const self = tiff('self.tif', [{ entries: tiledEntries(256, TILE), next: ([first]) => first }]);
  expectError('CorruptSlide', [self, 'loop', 'directory 8 again'], () => openSlide(self));
  const back = tiff('back.tif', [
    { entries: tiledEntries(256, TILE), next: ([, second]) => second },
    { entries: tiledEntries(256, TILE), next: ([first]) => first },
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
      entries: tiledEntries(256, shared),
      next: (offsets: readonly number[]) => offsets[i + 1] ?? 0,
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
    const path = tiff(`${name}.tif`, [{ entries: tiledEntries(256, [[tag, BYTE, count, 4096], TILE[1]]) }]);
    truncateSync(path, 310_000_000);
    expectError('CorruptSlide', [path, `tag ${tag}`, 'type 1'], () => openSlide(path));
  }
});

test('more tiles or sub-images than a slide can have are refused', () => {
  const grid = tiff('grid.tif', [{ entries: tiledEntries(2 ** 32 - 1, TILE) }]);
  expectError('CorruptSlide', [grid, 'more tiles', '4294967295'], () => openSlide(grid));
  const many = tiff('many.tif', [{ entries: tiledEntries(256, [[330, LONG, 1_000_000, 4096], ...TILE]) }]);
  truncateSync(many, 5_000_000);
  expectError('CorruptSlide', [many, 'sub-images', '1000000'], () => openSlide(many));
});

test('a description of hundreds of megabytes is refused', () => {
  const path = tiff('text.tif', [{ entries: tiledEntries(256, [[270, ASCII, 400_000_000, 4096], ...TILE]) }]);
  truncateSync(path, 410_000_000);
  expectError('CorruptSlide', [path, 'text of tag 270', '400000000'], () => openSlide(path));
});

const ROWS = deflateSync(Buffer.alloc(1 << 20));

test('a small image that states billions of pixels is refused before it is decoded', (context) => {
  const path = join(folder, 'bomb.png');
  writeFileSync(path, pngOf(60_000, 60_000, ROWS));
  expectError('InvalidInput', [path, 'too many pixels', '60000 x 60000', 'SAM_MIL_IMAGE_MEGAPIXELS'], () =>
    openSlide(path),
  );
  process.env.SAM_MIL_IMAGE_MEGAPIXELS = '0.001';
  context.after(() => delete process.env.SAM_MIL_IMAGE_MEGAPIXELS);
  writeFileSync(path, pngOf(40, 30, ROWS));
  expectError('InvalidInput', [path, 'at most 0.001 megapixels', '40 x 30'], () => openSlide(path));
});
