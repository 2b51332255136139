import type { Slide } from './slide.js';

/**
 * Side of the pieces that OpenSlide cuts a large read into, in pixels of the level. A level whose downsample is not whole is resampled
 * where a read starts off its grid, so only pieces of this very size give the pixels of one whole-level read.
 */
export const READ_PIECE = 4096;

/** A part of a level; `x`, `y`, `width`, `height` in pixels of that level, `rgb` row major. */
export interface LevelPiece {
  x: number;
  y: number;
  width: number;
  height: number;
  rgb: Uint8Array;
}

/**
 * The pieces of a level, row by row, equal to the same parts of `slide.readLevel(level)`. Memory: one piece (48 MB) at a time; `rgb` is reused
 * by the next piece. A generator, so that the caller can look up between two pieces. Throws as `readRegion` does.
 */
export function* levelPieces(slide: Slide, level: number): Generator<LevelPiece> {
  const { width, height, downsample, readDownsample = downsample[0] } = slide.info.levels[level];
  const bytes = Math.min(width, READ_PIECE) * Math.min(height, READ_PIECE) * 3;
  const buffer = new Uint8Array(bytes);
  for (let y = 0; y < height; y += READ_PIECE) {
    for (let x = 0; x < width; x += READ_PIECE) {
      const w = Math.min(READ_PIECE, width - x);
      const h = Math.min(READ_PIECE, height - y);
      const rgb = buffer.subarray(0, w * h * 3);
      slide.readRegion(Math.trunc(x * readDownsample), Math.trunc(y * readDownsample), level, w, h, rgb);
      yield { x, y, width: w, height: h, rgb };
    }
  }
}

/**
 * The pieces of a level made `factor` times smaller by averaging squares of factor x factor pixels (those at the right and lower border may be
 * cut short). `factor` is a power of two up to {@link READ_PIECE}, so that no square straddles two pieces. Positions and sizes are in
 * pixels of the reduced level, whose size is ceil(level / factor).
 */
export function* reducedPieces(slide: Slide, level: number, factor: number): Generator<LevelPiece> {
  for (const piece of levelPieces(slide, level)) {
    if (factor === 1) {
      yield piece;
      continue;
    }
    const width = Math.ceil(piece.width / factor);
    const height = Math.ceil(piece.height / factor);
    const rgb = averageSquares(piece, factor, width, height);
    yield { x: piece.x / factor, y: piece.y / factor, width, height, rgb };
  }
}

function averageSquares(piece: LevelPiece, factor: number, width: number, height: number): Uint8Array {
  const rgb = new Uint8Array(width * height * 3);
  const sums = new Float64Array(width * 3);
  for (let y = 0; y < height; y++) {
    const rows = Math.min(factor, piece.height - y * factor);
    sums.fill(0);
    for (let row = 0; row < rows; row++) addRow(piece, y * factor + row, factor, sums);
    for (let x = 0; x < width; x++) {
      const count = rows * Math.min(factor, piece.width - x * factor);
      for (let c = 0; c < 3; c++) rgb[(y * width + x) * 3 + c] = Math.round(sums[x * 3 + c] / count);
    }
  }
  return rgb;
}

function addRow(piece: LevelPiece, row: number, factor: number, sums: Float64Array): void {
  const start = row * piece.width * 3;
  for (let x = 0; x < piece.width; x++) {
    const cell = Math.floor(x / factor) * 3;
    for (let c = 0; c < 3; c++) sums[cell + c] += piece.rgb[start + x * 3 + c];
  }
}
