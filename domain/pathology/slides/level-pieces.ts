import type { Level, Slide } from './slide.js';

/**
 * Side in level pixels of the pieces that OpenSlide splits a large read into. A level with a fractional
 * downsample is resampled if a read starts off its grid, so only pieces of this size give the pixels of one
 * whole-level read.
 */
export const READ_PIECE = 4096;

/** A part of a level; `x`, `y`, `width`, `height` in pixels of that level, `rgb` is row-major. */
export interface LevelPiece {
  x: number;
  y: number;
  width: number;
  height: number;
  rgb: Uint8Array;
}

/**
 * Yields the pieces of a level row by row, equal to the same parts of `slide.readLevel(level)`. Memory: one
 * piece (48 MB); the next piece reuses `rgb`. A generator lets the caller do other work between pieces.
 * @throws SamMilError as `readRegion`
 */
export function* levelPieces(slide: Slide, level: number): Generator<LevelPiece> {
  const { width, height } = slide.info.levels[level];
  const buffer = new Uint8Array(Math.min(width, READ_PIECE) * Math.min(height, READ_PIECE) * 3);
  for (const [x, y] of piecePlaces({ width, height })) yield readPiece(slide, level, x, y, buffer);
}

/** Lists the top-left corners of the pieces of a level row by row, in level pixels. */
export function piecePlaces({ width, height }: Pick<Level, 'width' | 'height'>): [x: number, y: number][] {
  const places: [number, number][] = [];
  for (let y = 0; y < height; y += READ_PIECE) {
    for (let x = 0; x < width; x += READ_PIECE) places.push([x, y]);
  }
  return places;
}

/**
 * Reads the piece with its corner at (x, y) in level pixels. `rgb` of the result is a view of `buffer`, which
 * must be large enough.
 */
export function readPiece(slide: Slide, level: number, x: number, y: number, buffer: Uint8Array): LevelPiece {
  const { width, height, downsample, readDownsample = downsample[0] } = slide.info.levels[level];
  const w = Math.min(READ_PIECE, width - x);
  const h = Math.min(READ_PIECE, height - y);
  const rgb = buffer.subarray(0, w * h * 3);
  slide.readRegion(Math.trunc(x * readDownsample), Math.trunc(y * readDownsample), level, w, h, rgb);
  return { x, y, width: w, height: h, rgb };
}

/**
 * Reduces a piece and its position by `factor` by averaging squares of factor x factor pixels (clipped at the
 * right and bottom border). `factor` is a power of two up to {@link READ_PIECE}, so no square spans two
 * pieces, and the pieces form a level of ceil(size / factor). For factor 1, it returns the piece.
 */
export function reducePiece(piece: LevelPiece, factor: number): LevelPiece {
  if (factor === 1) return piece;
  const width = Math.ceil(piece.width / factor);
  const height = Math.ceil(piece.height / factor);
  const rgb = new Uint8Array(width * height * 3);
  const sums = new Float64Array(width * 3);
  for (let y = 0; y < height; y++) {
    const rows = Math.min(factor, piece.height - y * factor);
    if (factor === 2 && rows === 2) {
      halveRows(piece, y, rgb, width);
      continue;
    }
    sums.fill(0);
    for (let row = 0; row < rows; row++) addRow(piece, y * factor + row, factor, sums);
    for (let x = 0; x < width; x++) {
      const count = rows * Math.min(factor, piece.width - x * factor);
      const target = (y * width + x) * 3;
      for (let c = 0; c < 3; c++) rgb[target + c] = Math.round(sums[x * 3 + c] / count);
    }
  }
  return { x: piece.x / factor, y: piece.y / factor, width, height, rgb };
}

/** Adds a row of pixels to the sums of the squares it crosses, 3 sums per square. */
function addRow({ rgb, width }: LevelPiece, row: number, factor: number, sums: Float64Array): void {
  let source = row * width * 3;
  const rowEnd = source + width * 3;
  for (let cell = 0; cell < sums.length; cell += 3) {
    let red = 0;
    let green = 0;
    let blue = 0;
    for (const end = Math.min(source + factor * 3, rowEnd); source < end; source += 3) {
      red += rgb[source];
      green += rgb[source + 1];
      blue += rgb[source + 2];
    }
    sums[cell] += red;
    sums[cell + 1] += green;
    sums[cell + 2] += blue;
  }
}

/** Computes row `y` of the piece at half its size: the most common factor, without intermediate sums. */
function halveRows({ rgb, width }: LevelPiece, y: number, into: Uint8Array, half: number): void {
  const stride = width * 3;
  let upper = y * 2 * stride;
  let target = y * half * 3;
  const pairs = target + (width >> 1) * 3;
  for (; target < pairs; target += 3, upper += 6) {
    const lower = upper + stride;
    into[target] = (rgb[upper] + rgb[upper + 3] + rgb[lower] + rgb[lower + 3] + 2) >> 2;
    into[target + 1] = (rgb[upper + 1] + rgb[upper + 4] + rgb[lower + 1] + rgb[lower + 4] + 2) >> 2;
    into[target + 2] = (rgb[upper + 2] + rgb[upper + 5] + rgb[lower + 2] + rgb[lower + 5] + 2) >> 2;
  }
  if (half * 2 === width) return;
  for (let c = 0; c < 3; c++) into[target + c] = (rgb[upper + c] + rgb[upper + stride + c] + 1) >> 1;
}

/** Yields the pieces of a level, each reduced by `factor` with {@link reducePiece}. */
export function* reducedPieces(slide: Slide, level: number, factor: number): Generator<LevelPiece> {
  for (const piece of levelPieces(slide, level)) yield reducePiece(piece, factor);
}
