import { appendFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Sharp, SharpOptions } from 'sharp';
import { dieWithParent } from '../../machine/threads/die-with-parent.js';
import type { DecodedImage } from './decoded-image.js';
import { refuseTooManyPixels } from './image-limit.js';
import { inReadSpace, joinPlanes, oneLine, openStored, readGray, readRgb } from './read-rgb.js';
import { sampleKind, type RgbImage, type SampleKind } from './read-rgb.js';

/** Images with more pixels (300 MB) pass through a temporary tiled file, so that memory stays below 1 GB. */
const AT_ONCE = 1e8;

/** Tile side of that file, and the number of tile rows read at a time. */
const TILE = 256;

/**
 * This is a program: `node decode-image.js PARENT IMAGE RAW PAGES [AT_ONCE]` writes the page of an image, or
 * the three pages that are its red, green and blue (`0,1,2`), as 8-bit RGB and prints a {@link DecodedImage}.
 * It ends when the process with the id PARENT, which must be its parent, is gone.
 */
async function main([parent, path, into, pages, atOnce]: string[]): Promise<void> {
  dieWithParent(Number(parent));
  const planes = pages.split(',').map((page) => () => open(path, { page: Number(page) }));
  const { width, height, format } = await planes[0]().metadata();
  refuseTooManyPixels(width, height, format);
  const kind = await sampleKind(planes[0]());
  const large = width * height > (atOnce === undefined ? AT_ONCE : Number(atOnce));
  refuseFullDisk(into, width * height * (large ? 3 + 4 * planes.length : 3));
  const size = large ? await decodeInStrips(planes, kind, into) : await decodeWhole(planes, kind, into);
  process.stdout.write(JSON.stringify({ ...size, format } satisfies DecodedImage));
}

/** Opens an image again for each pass over it. */
type Plane = () => Sharp;

interface Size {
  width: number;
  height: number;
}

function open(path: string, options: SharpOptions): Sharp {
  return openStored(path, { limitInputPixels: false, sequentialRead: true, failOn: 'error', ...options });
}

async function read(images: readonly Sharp[], kind: SampleKind): Promise<RgbImage> {
  if (images.length === 1) return readRgb(images[0], kind);
  const planes = await Promise.all(images.map(readGray));
  return { ...planes[0], data: joinPlanes(planes.map(({ data }) => data)) };
}

async function decodeWhole(planes: readonly Plane[], kind: SampleKind, into: string): Promise<Size> {
  const { data, width, height } = await read(
    planes.map((plane) => plane()),
    kind,
  );
  writeFileSync(into, data);
  return { width, height };
}

/** Decodes via tiled files, because libvips provides the raw format only as a whole. */
async function decodeInStrips(planes: readonly Plane[], kind: SampleKind, into: string): Promise<Size> {
  const tiled = planes.map((_, index) => `${into}.${index}.tif`);
  let size: Size = { width: 0, height: 0 };
  try {
    for (const [index, plane] of planes.entries()) {
      size = await inReadSpace(plane(), kind)
        .tiff({ compression: 'none', tile: true, tileWidth: TILE, tileHeight: TILE, bigtiff: true })
        .toFile(tiled[index]);
    }
    const { width, height } = size;
    writeFileSync(into, '');
    for (let top = 0; top < height; top += TILE) {
      const strip = { left: 0, top, width, height: Math.min(TILE, height - top) };
      const images = tiled.map((path) =>
        openStored(path, { limitInputPixels: false, failOn: 'warning' }).extract(strip),
      );
      appendFileSync(into, (await read(images, kind)).data);
    }
    return { width, height };
  } finally {
    for (const path of tiled) rmSync(path, { force: true });
  }
}

/** Checks the free space before minutes of decoding, and before a shared file system is full. */
function refuseFullDisk(into: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(into));
  const free = bavail * bsize;
  if (free < bytes) throw new Error(`No space left: ${bytes} bytes are required, ${free} are free`);
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`${oneLine(error)}\n`);
  process.exitCode = 1;
});
