import { writeFileSync } from 'node:fs';
import sharp from 'sharp';
import type { DecodedImage } from './plain-image.js';

/** Decoding takes 3 bytes a pixel of memory for a moment: 1.5 GB here. What is larger belongs in a tiled, pyramidal file. */
const MAX_PIXELS = 5e8;

/**
 * A program, not a module: `node decode-image.js IMAGE RAW` writes the first page of an image as 8-bit RGB and prints a {@link DecodedImage}.
 */
async function main([path, into]: string[]): Promise<void> {
  const image = sharp(path, {
    limitInputPixels: MAX_PIXELS,
    sequentialRead: true,
    failOn: 'error',
    // As Pillow: values as stored, whatever profile comes with them.
    ignoreIcc: true,
  });
  const { format, density } = await image.metadata();
  const { data, info } = await image
    .toColourspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  writeFileSync(into, data);
  const { width, height } = info;
  process.stdout.write(JSON.stringify({ width, height, format, density } satisfies DecodedImage));
}

main(process.argv.slice(2)).catch((error: Error) => {
  process.stderr.write(`${error.message.replaceAll('\n', ' ')}\n`);
  process.exitCode = 1;
});
