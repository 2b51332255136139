import { READ_PIECE, type LevelPiece } from '../../slides/level-pieces.js';
import type { Slide } from '../../slides/slide.js';
import { scanLevel } from './scan-level.js';
import type { ScannedPiece } from './scan-piece.js';

/** Larger levels are made smaller while they are read. CLAM gives such slides up. */
export const MAX_SEGMENTED_PIXELS = 1e8;

/** The downsample that segmentation and pictures aim at where there is a choice. */
export const AIM_DOWNSAMPLE = 64;

/** A level, or what is left of it after reducing, at once as saturation. Sizes in pixels of the reduced level. */
export interface SaturationImage {
  values: Uint8Array;
  width: number;
  height: number;
  level: number;
  /** Level-0 pixels a pixel, per axis. */
  downsample: readonly [number, number];
  /** How many times smaller than the level, a power of two; 1 where it was small enough. */
  reduction: number;
}

export interface ReadOptions {
  signal: AbortSignal;
  /** Gets the same pixels, so that a picture is made of the same read. */
  picture?: { readonly factor: number; add(piece: LevelPiece): void };
  /** Pieces of the level that were read. */
  onProgress?: (done: number, total: number) => void;
  /** Levels with more pixels are made smaller. */
  limit?: number;
  threads?: number;
}

/**
 * Reads a level piece by piece into its saturation. Above {@link MAX_SEGMENTED_PIXELS} squares of pixels are averaged, down to a downsample of
 * about 64 or to that many pixels, whichever is smaller: memory stays below about 300 MB, and 160 MB more a thread. Lets the event loop run
 * between pieces.
 */
export async function readSaturation(
  slide: Slide,
  level: number,
  { signal, picture, onProgress, limit, threads }: ReadOptions,
): Promise<SaturationImage> {
  const reduction = reductionOf(slide, level, limit);
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

/** 1, or the power of two by which a level that is too large is reduced. */
export function reductionOf(slide: Slide, level: number, limit = MAX_SEGMENTED_PIXELS): number {
  const { width, height, downsample } = slide.info.levels[level];
  if (width * height <= limit) return 1;
  const least = Math.sqrt((width * height) / limit);
  return powerOfTwo(Math.max(least, AIM_DOWNSAMPLE / downsample[0]));
}

/** The least power of two that is not below `factor`; at most {@link READ_PIECE}. */
export function powerOfTwo(factor: number): number {
  return Math.min(READ_PIECE, 2 ** Math.max(0, Math.ceil(Math.log2(factor))));
}

/** `level`, or for -1 the one best for a downsample of 64. */
export function chooseLevel(slide: Slide, level: number): number {
  if (level >= 0) return level;
  return slide.info.levels.length === 1 ? 0 : slide.bestLevelForDownsample(AIM_DOWNSAMPLE);
}
