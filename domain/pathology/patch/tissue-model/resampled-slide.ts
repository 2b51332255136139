import { reducePiece } from '../../slides/level-pieces.js';
import { Resizer } from '../../slides/resize.js';
import type { Slide } from '../../slides/slide.js';

/** Bytes of level pixels that are read at once while they are averaged. */
const STRIP_BYTES = 16 << 20;

/** A level may be this much coarser than requested; see patch-scale.ts. */
const TOLERANCE = 1.05;

/** Pixels that the antialiased bilinear filter reads on each side, at scales below 2. */
const SUPPORT = 3;

/**
 * A slide at any resolution, read in squares. A pixel has the same value whichever square it is read in,
 * except next to the border of the square: squares of level pixels are averaged on one grid, and the rest of
 * the scale (1 to 2) is an antialiased bilinear filter. Memory per read: 16 MB, or one row of averaged
 * squares if that is more, and three bytes per averaged pixel.
 */
export class ResampledSlide {
  readonly width: number;
  readonly height: number;
  readonly level: number;
  private readonly slide: Slide;
  /** Level pixels that are averaged per axis; a power of two. */
  private readonly factor: number;
  /** Averaged pixels per pixel and axis. */
  private readonly scale: readonly [number, number];

  /** @param downsample level-0 pixels per pixel */
  constructor(slide: Slide, downsample: number) {
    const [{ width, height }] = slide.info.levels;
    this.slide = slide;
    this.level = slide.bestLevelForDownsample(downsample * TOLERANCE);
    const [x, y] = slide.info.levels[this.level].downsample;
    this.factor = 2 ** Math.max(0, Math.floor(Math.log2(downsample / Math.max(x, y))));
    this.scale = [downsample / x / this.factor, downsample / y / this.factor];
    this.width = Math.ceil(width / downsample);
    this.height = Math.ceil(height / downsample);
  }

  /**
   * Reads `size` x `size` pixels with their corner at (x, y) as RGB. What is outside the slide is white.
   * @throws SamMilError as `readRegion`
   */
  read(x: number, y: number, size: number): Uint8Array {
    const into = new Uint8Array(size * size * 3).fill(255);
    const [left, right] = [Math.max(0, x), Math.min(this.width, x + size)];
    const [top, bottom] = [Math.max(0, y), Math.min(this.height, y + size)];
    if (left >= right || top >= bottom) return into;
    const level = this.slide.info.levels[this.level];
    const across = this.sourceOf(left, right, this.scale[0], level.width);
    const down = this.sourceOf(top, bottom, this.scale[1], level.height);
    const source = this.readAveraged(across.from, down.from, across.count, down.count);
    const [width, height] = [right - left, bottom - top];
    const resizer = new Resizer(across.count, down.count, width, height, 'bilinear', across.part, down.part);
    const rgb = resizer.resize(source);
    for (let row = 0; row < height; row++) {
      const line = rgb.subarray(row * width * 3, (row + 1) * width * 3);
      into.set(line, ((top - y + row) * size + left - x) * 3);
    }
    return into;
  }

  /** The averaged pixels that the pixels `start` to `end` (exclusive) depend on. */
  private sourceOf(start: number, end: number, scale: number, levelSize: number) {
    const all = Math.ceil(levelSize / this.factor);
    const from = Math.max(0, Math.min(all - 1, Math.floor(start * scale) - SUPPORT));
    const to = Math.min(all, Math.ceil(end * scale) + SUPPORT);
    return { from, count: to - from, part: [start * scale - from, end * scale - from] as const };
  }

  /** Reads a part of the averaged level, in its own pixels. */
  private readAveraged(x: number, y: number, width: number, height: number): Uint8Array {
    const { factor, slide, level } = this;
    const { width: w, height: h, downsample, readDownsample = downsample[0] } = slide.info.levels[level];
    const levelWidth = Math.min(w - x * factor, width * factor);
    const rowsAtOnce = Math.max(1, Math.floor(STRIP_BYTES / (levelWidth * factor * 3)));
    const averaged = new Uint8Array(width * height * 3);
    for (let row = 0; row < height; row += rowsAtOnce) {
      const top = (y + row) * factor;
      const levelHeight = Math.min(h - top, Math.min(rowsAtOnce, height - row) * factor);
      const place = [x * factor, top].map((at) => Math.trunc(at * readDownsample));
      const rgb = slide.readRegion(place[0], place[1], level, levelWidth, levelHeight);
      const piece = reducePiece({ x: 0, y: 0, width: levelWidth, height: levelHeight, rgb }, factor);
      averaged.set(piece.rgb, row * width * 3);
    }
    return averaged;
  }
}
