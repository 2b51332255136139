import sharp from 'sharp';
import { RandomStream } from '../../domain/random.js';
import { writeTiff, type TiffImage } from './tiff-writer.js';

const JPEG = 7;
const YCBCR = 6;

/** Tiles of the file: glass, and this many kinds of tissue. */
const TISSUES = 6;

export interface HugeSlide {
  /** Width and height of level 0. */
  side: number;
  tile: number;
  /** Pages below level 0, each 4 times smaller. */
  levels: number;
  mpp?: number;
}

/**
 * A slide of any size in a small file: a disc of tissue three quarters as wide as the slide, with a hole in
 * its middle a tenth as wide, made of a few repeated JPEG tiles, as scanners write them (4:2:0).
 */
export async function writeHugeSlide(path: string, { side, tile, levels, mpp }: HugeSlide): Promise<void> {
  const blobs = await Promise.all([
    glassTile(tile),
    ...Array.from({ length: TISSUES }, (_, i) => tissueTile(tile, i)),
  ]);
  const images = Array.from({ length: levels + 1 }, (_, level): TiffImage => {
    const size = Math.max(1, Math.floor(side / 4 ** level));
    const count = Math.ceil(size / tile);
    return {
      width: size,
      height: size,
      tile,
      compression: JPEG,
      photometric: YCBCR,
      perCentimeter: mpp === undefined ? undefined : 1e4 / (mpp * 4 ** level),
      tileAt: (column, row) => {
        const far = Math.hypot(column + 0.5 - count / 2, row + 0.5 - count / 2) / count;
        return far < 0.375 && far > 0.05 ? 1 + ((column * 7 + row * 13) % TISSUES) : 0;
      },
    };
  });
  writeTiff(path, images, blobs);
}

function glassTile(tile: number): Promise<Buffer> {
  return jpeg(new Uint8Array(tile * tile * 3).fill(243), tile);
}

/** Pink ground with blue dots. */
function tissueTile(tile: number, kind: number): Promise<Buffer> {
  const random = new RandomStream('huge-slide', kind);
  const rgb = new Uint8Array(tile * tile * 3);
  for (let i = 0; i < rgb.length; i += 3) rgb.set([214, 150 + random.below(20), 190], i);
  for (let dot = 0; dot < (tile * tile) / 700; dot++) {
    const [cx, cy, radius] = [random.below(tile), random.below(tile), 2 + random.below(4)];
    for (let y = Math.max(0, cy - radius); y < Math.min(tile, cy + radius); y++) {
      for (let x = Math.max(0, cx - radius); x < Math.min(tile, cx + radius); x++) {
        if ((x - cx) ** 2 + (y - cy) ** 2 < radius ** 2) rgb.set([90, 60, 140], (y * tile + x) * 3);
      }
    }
  }
  return jpeg(rgb, tile);
}

function jpeg(rgb: Uint8Array, side: number): Promise<Buffer> {
  const raw = { width: side, height: side, channels: 3 } as const;
  return sharp(rgb, { raw }).jpeg({ quality: 80, chromaSubsampling: '4:2:0' }).toBuffer();
}
