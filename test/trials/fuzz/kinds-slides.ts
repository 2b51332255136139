import { copyFileSync, truncateSync, writeFileSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { openSlide } from '../../../domain/pathology/slides/open.js';
import { BUNDLED_SLIDE } from '../../support/bundled.js';
import { pngOf, tiffOf, tiledEntries, type Entry } from '../../support/image-headers.js';
import { writeTiff, type TiffImage } from '../../support/tiff-writer.js';
import type { Kind } from './kind.js';

const pixels = (side: number) =>
  sharp(Buffer.from(Array.from({ length: side * side * 3 }, (_, i) => (i * 7) % 256)), {
    raw: { width: side, height: side, channels: 3 },
  });

const statedTiff = (side: number, more: readonly Entry[], next: number) =>
  tiffOf([{ entries: tiledEntries(side, more), next: () => next }]);

/** Opens a slide and reads its smallest level and a region. */
function readSlide(path: string): unknown {
  const slide = openSlide(path);
  try {
    const last = slide.info.levels.length - 1;
    const { width, height } = slide.info.levels[last];
    const level = width * height < 1e7 ? slide.readLevel(last) : undefined;
    return [slide.info, level, slide.readRegion(0, 0, 0, 256, 256)];
  } finally {
    slide.close();
  }
}

/** A tiled TIFF of two levels without compression. */
function writePyramid(path: string): void {
  const image = (width: number): TiffImage => ({
    width,
    height: width,
    tile: 64,
    compression: 1,
    tileAt: () => 0,
  });
  writeTiff(path, [image(256), image(128)], [new Uint8Array(64 * 64 * 3).fill(200)]);
}

const ome = (sizes: string, inside: string) =>
  `<OME><Image ID="I:0"><Pixels SizeX="128" SizeY="128" PhysicalSizeX="0.5" PhysicalSizeY="0.5" ${sizes}>${inside}</Pixels></Image></OME>`;

/** Three gray planes in tiles, which OME-XML says are red, green and blue. */
function writeOmePlanes(path: string, description = ome('SizeC="3"', '<TiffData/>')): void {
  const image: TiffImage = {
    ...{ width: 128, height: 128, tile: 64, compression: 1, samples: 1, photometric: 1 },
    tileAt: () => 0,
  };
  const text = description.startsWith('<OME') ? description : `<OME>${description}`;
  writeTiff(path, [{ ...image, description: text }, image, image], [new Uint8Array(64 * 64).fill(200)]);
}

const TILES = [
  [324, 4, 1, 8],
  [325, 4, 1, 8],
] as const;

/** Makes a file longer without using the disk. */
function withLength(path: string, bytes: number, content: Buffer): void {
  writeFileSync(path, content);
  truncateSync(path, bytes);
}

/** Readers of slides. */
export const SLIDE_KINDS: Readonly<Record<string, Kind>> = {
  svs: { extension: 'svs', sound: (path) => copyFileSync(BUNDLED_SLIDE, path), read: readSlide },
  'tiled-tiff': {
    extension: 'tif',
    sound: writePyramid,
    wrong: {
      loop: (path) => writeFileSync(path, statedTiff(256, TILES, 8)),
      'million-tiles-loop': (path) =>
        withLength(
          path,
          9_000_000,
          statedTiff(
            256_000,
            [
              [324, 4, 1e6, 4096],
              [325, 4, 1e6, 4096],
            ],
            8,
          ),
        ),
      'byte-offsets': (path) =>
        withLength(
          path,
          310_000_000,
          statedTiff(
            256_000,
            [
              [324, 1, 3e8, 4096],
              [325, 1, 3e8, 4096],
            ],
            0,
          ),
        ),
      'sub-images': (path) =>
        withLength(path, 410_000_000, statedTiff(256, [[330, 4, 1e8, 4096], ...TILES], 0)),
      'long-text': (path) =>
        withLength(path, 410_000_000, statedTiff(256, [[270, 2, 4e8, 4096], ...TILES], 0)),
      'largest-sides': (path) => writeFileSync(path, statedTiff(2 ** 32 - 1, TILES, 0)),
    },
    read: readSlide,
  },
  'ome-tiff': {
    extension: 'ome.tif',
    sound: writeOmePlanes,
    wrong: {
      'deep-xml': (path) => writeOmePlanes(path, `${'<A>'.repeat(200_000)}`),
      'million-planes': (path) => writeOmePlanes(path, ome('SizeC="1000000000" SizeZ="1000000000"', '')),
    },
    read: readSlide,
  },
  strips: {
    extension: 'tif',
    sound: async (path) => {
      writeFileSync(path, await pixels(32).tiff({ compression: 'lzw' }).toBuffer());
    },
    read: readSlide,
  },
  png: {
    extension: 'png',
    sound: async (path) => writeFileSync(path, await pixels(32).png().toBuffer()),
    wrong: {
      'billions-of-pixels': (path) =>
        writeFileSync(path, pngOf(60_000, 60_000, deflateSync(Buffer.alloc(1 << 20)))),
      'too-few-rows': (path) => writeFileSync(path, pngOf(3000, 3000, deflateSync(Buffer.alloc(1000)))),
    },
    read: readSlide,
  },
  jpeg: {
    extension: 'jpg',
    sound: async (path) => writeFileSync(path, await pixels(32).jpeg().toBuffer()),
    read: readSlide,
  },
};
