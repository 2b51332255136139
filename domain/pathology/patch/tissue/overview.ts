import type { LevelPiece } from '../../slides/level-pieces.js';
import type { Slide } from '../../slides/slide.js';
import { powerOfTwo } from './read-tissue-level.js';
import { scanLevel } from './scan-level.js';

/** Longest side of overview pictures. */
const LONGEST_SIDE = 2048;

/** Minimum side of overview pictures, unless the slide is smaller. */
const LEAST_SIDE = 1024;

/** A downsampled slide: RGB, row-major. */
export interface Picture {
  rgb: Uint8Array;
  width: number;
  height: number;
  /** Level-0 pixels per pixel and axis. */
  downsample: readonly [number, number];
}

/** Assembles the reduced pieces of a level to a picture of at most {@link LONGEST_SIDE} pixels per side. */
export class PictureBuilder {
  readonly picture: Picture;
  /** Reduction of the picture, and of its pieces, relative to the level; a power of two. */
  readonly factor: number;

  constructor(slide: Slide, level: number) {
    const { width, height, downsample } = slide.info.levels[level];
    this.factor = powerOfTwo(Math.max(width, height) / LONGEST_SIDE);
    const [w, h] = [Math.ceil(width / this.factor), Math.ceil(height / this.factor)];
    this.picture = {
      rgb: new Uint8Array(w * h * 3),
      width: w,
      height: h,
      downsample: [downsample[0] * this.factor, downsample[1] * this.factor],
    };
  }

  add({ x, y, width, height, rgb }: LevelPiece): void {
    for (let row = 0; row < height; row++) {
      const line = rgb.subarray(row * width * 3, (row + 1) * width * 3);
      this.picture.rgb.set(line, ((y + row) * this.picture.width + x) * 3);
    }
  }
}

/**
 * Returns `level` or, for -1, the deepest level that still shows details. For large slides this is the level
 * of CLAM, the best one for a downsample of 64.
 */
export function chooseVisLevel(slide: Slide, level: number): number {
  if (level >= 0) return level;
  const sides = slide.info.levels.map(({ width, height }) => Math.max(width, height));
  return Math.max(
    0,
    sides.findLastIndex((side) => side >= LEAST_SIDE),
  );
}

/** Reads a level only for the overview picture. */
export async function readOverview(slide: Slide, level: number, signal: AbortSignal): Promise<Picture> {
  const builder = new PictureBuilder(slide, level);
  const plan = { level, saturationFactor: 0, pictureFactor: builder.factor };
  await scanLevel(slide, plan, { signal, onPiece: ({ picture }) => picture && builder.add(picture) });
  return builder.picture;
}
