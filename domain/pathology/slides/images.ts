import sharp, { type Sharp } from 'sharp';

/** An image in memory: row-major, `channels` bytes per pixel. */
export interface Pixels {
  data: Uint8Array;
  width: number;
  height: number;
  channels: 1 | 3;
}

/** Encodes JPEG, 4:4:4 from quality 90. The same pixels give the same bytes. */
export async function encodeJpeg(image: Pixels, quality = 90): Promise<Buffer> {
  const chromaSubsampling = quality >= 90 ? '4:4:4' : '4:2:0';
  return raw(image).jpeg({ quality, chromaSubsampling }).toBuffer();
}

/** Decodes a JPEG, PNG or TIFF of ordinary size to 8-bit RGB without alpha. @throws the error of libvips */
export async function decodeImage(input: string | Uint8Array): Promise<Pixels> {
  const { data, info } = await sharp(input)
    .toColorspace('srgb')
    .removeAlpha()
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: 3 };
}

function raw({ data, width, height, channels }: Pixels): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}
