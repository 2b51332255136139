import type { Rle } from '../../../files/run-length.js';
import type { PixelBox } from './box-suppression.js';
import type { CropBox } from './crop-boxes.js';
import type { SamEmbedding } from './network/sam-model.js';
import { TAPS, upscaleTaps, type UpscaleTaps } from './upscale-taps.js';

/** Measurements of one mask at full size, made without all its pixels in memory. */
export interface ScannedMask {
  /** Number of set pixels. */
  area: number;
  /** In image pixels; undefined if no pixel is set. */
  box?: PixelBox;
  /**
   * Pixels above the raised threshold divided by pixels above the lowered one, in single precision: how
   * little the mask depends on the threshold. NaN if there are no such pixels.
   */
  stability: number;
}

const BELOW = 1;
const ABOVE = 2;

/** Height and width of the whole image. */
type ImageSize = readonly [height: number, width: number];

/**
 * Converts low-resolution logits of one crop to masks of the whole image like the post-processing of
 * segment-anything (bilinear to the square of the model, padding removed, bilinear to the crop, threshold 0),
 * but without creating pixels: it scans the columns of the image and interpolates only where the surrounding
 * samples are on different sides of a threshold. The result is run lengths.
 */
export class LogitScanner {
  private readonly side: number;
  private readonly crop: Pick<CropBox, 'left' | 'top'>;
  private readonly image: ImageSize;
  private readonly offset: number;
  private readonly across: UpscaleTaps;
  private readonly down: UpscaleTaps;
  /** Per low-resolution sample: BELOW, ABOVE or 0 (in between); later combined over three rows. */
  private readonly sides: Uint8Array;
  private readonly sidesOfRows: Uint8Array;
  /**
   * Stretches of row groups that agree, or one group that does not: `kind`, `first row group`, `end row
   * group`.
   */
  private readonly stretches: Int32Array;
  /** Column-major positions at which the mask starts and ends, alternating. */
  private edges = new Uint32Array(1 << 12);
  private edgeCount = 0;

  /** @param offset by which the threshold is raised and lowered for the stability */
  constructor(
    side: number,
    imageSize: number,
    embedding: Pick<SamEmbedding, 'width' | 'height' | 'scaledWidth' | 'scaledHeight'>,
    crop: Pick<CropBox, 'left' | 'top'>,
    image: ImageSize,
    offset: number,
  ) {
    this.side = side;
    this.crop = crop;
    this.image = image;
    this.offset = offset;
    this.across = upscaleTaps(side, imageSize, embedding.scaledWidth, embedding.width);
    this.down = upscaleTaps(side, imageSize, embedding.scaledHeight, embedding.height);
    this.sides = new Uint8Array(side * side);
    this.sidesOfRows = new Uint8Array(this.down.base.length * side);
    this.stretches = new Int32Array(3 * this.down.base.length);
  }

  /** @param logits side x side, row-major */
  scan(logits: Float32Array): ScannedMask {
    this.edgeCount = 0;
    this.compareSamples(logits);
    const tally: Tally = { inside: 0, reach: 0, left: -1, right: -1, top: Infinity, bottom: -1 };
    const { base, start } = this.across;
    for (let group = 0; group < base.length; group++) {
      const count = this.findStretches(base[group]);
      for (let x = start[group]; x < start[group + 1]; x++)
        this.scanColumn(logits, x, base[group], count, tally);
    }
    const { left, top, right, bottom } = tally;
    return {
      area: this.areaOfEdges(),
      box: right < 0 ? undefined : [left, top, right, bottom],
      stability: Math.fround(tally.inside / tally.reach),
    };
  }

  /** Returns the run lengths of the last scanned mask. */
  runs(): Rle {
    const [height, width] = this.image;
    const total = height * width;
    const edges = this.edges.subarray(0, this.edgeCount);
    const endsSet = edges.at(-1) === total;
    const counts = new Uint32Array(edges.length + (endsSet ? 0 : 1));
    let last = 0;
    for (let i = 0; i < counts.length; i++) {
      const edge = i < edges.length ? edges[i] : total;
      counts[i] = edge - last;
      last = edge;
    }
    return { size: [height, width], counts };
  }

  private areaOfEdges(): number {
    let area = 0;
    for (let i = 0; i < this.edgeCount; i += 2) area += this.edges[i + 1] - this.edges[i];
    return area;
  }

  private compareSamples(logits: Float32Array): void {
    const { sides, sidesOfRows, side, offset } = this;
    for (let i = 0; i < sides.length; i++) {
      const value = logits[i];
      sides[i] = value > offset ? ABOVE : value < -offset ? BELOW : 0;
    }
    const { base } = this.down;
    for (let group = 0; group < base.length; group++) {
      const from = base[group] * side;
      for (let x = 0; x < side; x++) {
        const at = from + x;
        sidesOfRows[group * side + x] = sides[at] & sides[at + side] & sides[at + 2 * side];
      }
    }
  }

  /** Fills `stretches` for the columns that depend on samples `x` to `x + 2`. Returns how many there are. */
  private findStretches(x: number): number {
    const { sidesOfRows, side, stretches } = this;
    const groups = this.down.base.length;
    let count = 0;
    let last = 0;
    for (let group = 0, at = x; group < groups; group++, at += side) {
      const kind = sidesOfRows[at] & sidesOfRows[at + 1] & sidesOfRows[at + 2];
      if (kind !== 0 && kind === last) {
        stretches[3 * count - 1] = group + 1;
        continue;
      }
      stretches[3 * count] = kind;
      stretches[3 * count + 1] = group;
      stretches[3 * count + 2] = group + 1;
      count++;
      last = kind;
    }
    return count;
  }

  private scanColumn(logits: Float32Array, x: number, sample: number, count: number, tally: Tally): void {
    const { stretches, side, offset } = this;
    const { weights, base, start } = this.down;
    const a = this.across.weights[TAPS * x];
    const b = this.across.weights[TAPS * x + 1];
    const c = this.across.weights[TAPS * x + 2];
    const column = (this.crop.left + x) * this.image[0] + this.crop.top;
    // -1 outside the mask, else the start row of the current run.
    let began = -1;
    let { inside, reach } = tally;
    for (let i = 0; i < count; i++) {
      const kind = stretches[3 * i];
      const from = start[stretches[3 * i + 1]];
      const to = start[stretches[3 * i + 2]];
      if (kind === BELOW) {
        if (began >= 0) this.close(tally, column, x, began, from);
        began = -1;
      } else if (kind === ABOVE) {
        if (began < 0) began = from;
        inside += to - from;
        reach += to - from;
      } else {
        const at = base[stretches[3 * i + 1]] * side + sample;
        const first = a * logits[at] + b * logits[at + 1] + c * logits[at + 2];
        const second = a * logits[at + side] + b * logits[at + side + 1] + c * logits[at + side + 2];
        const third =
          a * logits[at + 2 * side] + b * logits[at + 2 * side + 1] + c * logits[at + 2 * side + 2];
        for (let y = from; y < to; y++) {
          const w = TAPS * y;
          const value = weights[w] * first + weights[w + 1] * second + weights[w + 2] * third;
          if (value > offset) inside++;
          if (value > -offset) reach++;
          if (value > 0) {
            if (began < 0) began = y;
          } else if (began >= 0) {
            this.close(tally, column, x, began, y);
            began = -1;
          }
        }
      }
    }
    if (began >= 0) this.close(tally, column, x, began, start[base.length]);
    tally.inside = inside;
    tally.reach = reach;
  }

  /** Records a run in column `x`, rows `began` to `end` (exclusive) of the crop. */
  private close(tally: Tally, column: number, x: number, began: number, end: number): void {
    const imageX = this.crop.left + x;
    if (tally.left < 0) tally.left = imageX;
    tally.right = imageX;
    tally.top = Math.min(tally.top, this.crop.top + began);
    tally.bottom = Math.max(tally.bottom, this.crop.top + end - 1);
    if (this.edgeCount + 2 > this.edges.length) this.grow();
    // A run that reaches the bottom of the image continues at the top of the next column.
    if (this.edgeCount > 0 && this.edges[this.edgeCount - 1] === column + began) this.edgeCount--;
    else this.edges[this.edgeCount++] = column + began;
    this.edges[this.edgeCount++] = column + end;
  }

  private grow(): void {
    const larger = new Uint32Array(2 * this.edges.length);
    larger.set(this.edges);
    this.edges = larger;
  }
}

interface Tally {
  /** Number of pixels above the raised threshold, and above the lowered one. */
  inside: number;
  reach: number;
  left: number;
  top: number;
  right: number;
  bottom: number;
}
