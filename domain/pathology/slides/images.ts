import sharp, { type Sharp } from 'sharp';
import { readRgb, sampleKind } from './read-rgb.js';

/** An image in memory: row-major, `channels` bytes per pixel. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
  channels: 1 | 3;
}

/** Encodes JPEG, 4:4:4 from quality 90. The same pixels give the same bytes. */
export async function encodeJpeg(image: Pixels, quality = 90, description?: string): Promise<Buffer> {
  const chromaSubsampling = quality >= 90 ? '4:4:4' : '4:2:0';
  const described =
    description === undefined ? raw(image) : raw(image).withExif({ IFD0: { ImageDescription: description } });
  return described.jpeg({ quality, chromaSubsampling }).toBuffer();
}

/** Decodes a JPEG, PNG or TIFF of ordinary size to RGB, as {@link readRgb}. @throws the error of libvips */
export async function decodeImage(input: string | Uint8Array): Promise<Pixels> {
  const image = sharp(input);
  return { ...(await readRgb(image, await sampleKind(image))), channels: 3 };
}

function raw({ data, width, height, channels }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}
