import { READ_PIECE, type LevelPiece } from '../../slides/level-pieces.js';
import type { Slide } from '../../slides/slide.js';
import { scanLevel } from './scan-level.js';
import type { ScannedPiece } from './scan-piece.js';

/** Larger levels are downsampled while they are read. CLAM skips such slides. */
export const MAX_SEGMENTED_PIXELS = 1e8;

/** Target downsample of segmentation and pictures. */
export const AIM_DOWNSAMPLE = 64;

/** Saturation of a level, which may be reduced. Sizes are in pixels of the reduced level. */
export interface SaturationImage {
  values: Uint8Array;
  width: number;
  height: number;
  level: number;
  /** Level-0 pixels per pixel and axis. */
  downsample: readonly [number, number];
  /** Reduction relative to the level, a power of two; 1 if the level was small enough. */
  reduction: number;
}

export interface ReadOptions {
  signal: AbortSignal;
  /** Receives the same pixels, so that a picture can be made from the same read. */
  picture?: { readonly factor: number; add(piece: LevelPiece): void };
  /** Called with the number of pieces read so far. */
  onProgress?: (done: number, total: number) => void;
  /** Levels with more pixels are downsampled. */
  limit?: number;
  threads?: number;
}

/**
 * Reads the saturation of a level piece by piece. Above {@link MAX_SEGMENTED_PIXELS}, squares of pixels are
 * averaged, to a downsample of about 64 or to that many pixels, whichever is smaller. Memory stays below
 * about 300 MB plus 160 MB per thread. The event loop runs between pieces.
 */
export async function readSaturation(
  slide: Slide,
  level: number,
  { signal, picture, onProgress, limit, threads }: ReadOptions,
): Promise<SaturationImage> {
  const reduction = chooseReduction(slide, level, limit);
  const { width, height, downsample } = slide.info.levels[level];
  const w = Math.ceil(width / reduction);
  const h = Math.ceil(height / reduction);
  const values = new Uint8Array(w * h);
  const plan = { level, saturationFactor: reduction, pictureFactor: picture?.factor ?? 0 };
  const onPiece = (piece: ScannedPiece, done: number, total: number) => {
    if (piece.saturation) place(piece.saturation, values, w);
    if (piece.picture) picture?.add(piece.picture);
    onProgress?.(done, total);
  };
  await scanLevel(slide, plan, { signal, threads, onPiece });
  const factors = [downsample[0] * reduction, downsample[1] * reduction] as const;
  return { values, width: w, height: h, level, downsample: factors, reduction };
}

function place(
  { x, y, width, height, values }: NonNullable<ScannedPiece['saturation']>,
  into: Uint8Array,
  stride: number,
): void {
  for (let row = 0; row < height; row++) {
    into.set(values.subarray(row * width, (row + 1) * width), (y + row) * stride + x);
  }
}

/** Returns the power of two by which a level that is too large is reduced, or 1. */
export function chooseReduction(slide: Slide, level: number, limit = MAX_SEGMENTED_PIXELS): number {
  const { width, height, downsample } = slide.info.levels[level];
  if (width * height <= limit) return 1;
  const least = Math.sqrt((width * height) / limit);
  return powerOfTwo(Math.max(least, AIM_DOWNSAMPLE / downsample[0]));
}

/** Returns the smallest power of two that is at least `factor`, at most {@link READ_PIECE}. */
export function powerOfTwo(factor: number): number {
  return Math.min(READ_PIECE, 2 ** Math.max(0, Math.ceil(Math.log2(factor))));
}

/** Returns `level` or, for -1, the best level for a downsample of 64. */
export function chooseLevel(slide: Slide, level: number): number {
  if (level >= 0) return level;
  return slide.info.levels.length === 1 ? 0 : slide.bestLevelForDownsample(AIM_DOWNSAMPLE);
}
