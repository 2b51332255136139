import { appendFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import sharp, { type Sharp } from 'sharp';
import { dieWithParent } from '../../machine/threads/die-with-parent.js';
import type { DecodedImage } from './decoded-image.js';
import { refuseTooManyPixels } from './image-limit.js';

/** Images with more pixels (300 MB) pass through a temporary tiled file, so that memory stays below 1 GB. */
const AT_ONCE = 1e8;

/** Tile side of that file, and the number of tile rows read at a time. */
const TILE = 256;

/**
 * This is a program: `node decode-image.js PARENT IMAGE RAW [AT_ONCE]` writes the first page of an image as
 * 8-bit RGB and prints a {@link DecodedImage}. It ends when the process with the id PARENT, which must be its
 * parent, is gone.
 */
async function main([parent, path, into, atOnce]: string[]): Promise<void> {
  dieWithParent(Number(parent));
  const { width, height, format, density } = await open(path).metadata();
  refuseTooManyPixels(width, height, format);
  const large = width * height > (atOnce === undefined ? AT_ONCE : Number(atOnce));
  refuseFullDisk(into, width * height * (large ? 6 : 3));
  const size = large ? await decodeInStrips(path, into) : await decodeWhole(path, into);
  process.stdout.write(JSON.stringify({ ...size, format, density } satisfies DecodedImage));
}

interface Size {
  width: number;
  height: number;
}

function open(path: string): Sharp {
  return sharp(path, {
    limitInputPixels: false,
    sequentialRead: true,
    failOn: 'error',
    // As in Pillow, keep stored values and ignore the color profile.
    ignoreIcc: true,
  });
}

function toRgb(image: Sharp): Sharp {
  return image.toColorspace('srgb').removeAlpha();
}

async function readPixels(image: Sharp): Promise<{ data: Buffer; info: Size }> {
  return image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
}

async function decodeWhole(path: string, into: string): Promise<Size> {
  const { data, info } = await readPixels(toRgb(open(path)));
  writeFileSync(into, data);
  return { width: info.width, height: info.height };
}

/** Decodes via a tiled file, because libvips provides the raw format only as a whole. */
async function decodeInStrips(path: string, into: string): Promise<Size> {
  const tiled = `${into}.tif`;
  try {
    const { width, height } = await toRgb(open(path))
      .tiff({ compression: 'none', tile: true, tileWidth: TILE, tileHeight: TILE, bigtiff: true })
      .toFile(tiled);
    writeFileSync(into, '');
    for (let top = 0; top < height; top += TILE) {
      const strip = { left: 0, top, width, height: Math.min(TILE, height - top) };
      const { data } = await readPixels(
        sharp(tiled, { limitInputPixels: false, failOn: 'warning' }).extract(strip),
      );
      appendFileSync(into, data);
    }
    return { width, height };
  } finally {
    rmSync(tiled, { force: true });
  }
}

/** Checks the free space before minutes of decoding, and before a shared file system is full. */
function refuseFullDisk(into: string, bytes: number): void {
  const { bavail, bsize } = statfsSync(dirname(into));
  const free = bavail * bsize;
  if (free < bytes) throw new Error(`No space left: ${bytes} bytes are required, ${free} are free`);
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message.replaceAll('\n', ' ')}\n`);
  process.exitCode = 1;
});
