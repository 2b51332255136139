import sharp from 'sharp';
import { decodeImage, type Pixels } from '../../domain/pathology/slides/images.js';
import { Resizer, type ResizeFilter } from '../../domain/pathology/slides/resize.js';
import { fixture } from './fixtures.js';

/** Pixels of an image below test/fixtures. */
export function fixturePixels(path: string): Promise<Pixels> {
  return decodeImage(fixture(path));
}

/** Resizes one image. `rgb` is `fromHeight` x `fromWidth` x 3. */
export function resizeRgb(
  rgb: Uint8Array,
  from: { width: number; height: number },
  to: { width: number; height: number },
  filter: ResizeFilter,
): Uint8Array {
  return new Resizer(from.width, from.height, to.width, to.height, filter).resize(rgb);
}

/** PNG bytes of an image, without loss. */
export async function encodePng({ data, width, height, channels }: Pixels): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels } }).png().toBuffer();
}
