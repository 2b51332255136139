import { SamMilError } from '../../errors.js';

/** Kernels of Pillow's `Image.resize`, widened for downsampling (antialiased). */
export type ResizeFilter = 'bilinear' | 'bicubic';

interface Kernel {
  /** Half width, in source pixels, at scale 1. */
  support: number;
  weight(distance: number): number;
}

const KERNELS: Record<ResizeFilter, Kernel> = {
  bilinear: {
    support: 1,
    weight: (distance) => Math.max(0, 1 - Math.abs(distance)),
  },
  bicubic: { support: 2, weight: cubicWeight },
};

/** Keys' cubic convolution (IEEE TASSP 1981) with a = -0.5. */
function cubicWeight(distance: number): number {
  const a = -0.5;
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return (((x - 5) * x + 8) * x - 4) * a;
  return 0;
}

/** Fraction bits of a 32-bit sum, without 8 bits for the value and 2 for kernels that overshoot. */
const FRACTION_BITS = 32 - 8 - 2;

/** Part of an axis, in source pixels. */
type Part = readonly [start: number, end: number];

/**
 * Contributions along one axis: output i is the sum of `taps` source pixels from `first[i]`, times `weights[i
 * * taps + k]` (fixed point).
 */
interface Axis {
  taps: number;
  first: Int32Array;
  count: Int32Array;
  weights: Int32Array;
}

/** @param start first source position of the part that is resized, `end` its last (exclusive); fractional */
function planAxis(kernel: Kernel, from: number, to: number, [start, end]: Part): Axis {
  const scale = (end - start) / to;
  const stretch = Math.max(scale, 1);
  const support = kernel.support * stretch;
  const taps = Math.ceil(support) * 2 + 1;
  const axis = {
    taps,
    first: new Int32Array(to),
    count: new Int32Array(to),
    weights: new Int32Array(to * taps),
  };
  const raw = new Float64Array(taps);
  for (let i = 0; i < to; i++) {
    const center = start + (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - support + 0.5));
    const count = Math.min(from, Math.trunc(center + support + 0.5)) - first;
    let total = 0;
    for (let k = 0; k < count; k++) {
      raw[k] = kernel.weight((k + first - center + 0.5) * (1 / stretch));
      total += raw[k];
    }
    for (let k = 0; k < count; k++)
      axis.weights[i * taps + k] = toFixed(total === 0 ? raw[k] : raw[k] / total);
    axis.first[i] = first;
    axis.count[i] = count;
  }
  return axis;
}

function isWhole([start, end]: Part, from: number, to: number): boolean {
  return start === 0 && end === from && from === to;
}

function toFixed(weight: number): number {
  const scaled = weight * (1 << FRACTION_BITS);
  return Math.trunc(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

/**
 * Resizes RGB images of one size to another with precomputed weights and reused buffers. Bit-exact with
 * Pillow's `Image.resize((width, height), BILINEAR | BICUBIC)`: rows first, then columns, 22-bit fixed-point
 * weights, rounded to 8 bits in between. Not safe for concurrent calls.
 *
 * Like Pillow's `box`, `across` and `down` select the part of the source that becomes the whole result. Their
 * ends may be fractional, and the filter reads beyond them.
 */
export class Resizer {
  readonly fromWidth: number;
  readonly fromHeight: number;
  readonly width: number;
  readonly height: number;
  private readonly across?: Axis;
  private readonly down?: Axis;
  private readonly middle: Uint8Array;

  constructor(
    fromWidth: number,
    fromHeight: number,
    width: number,
    height: number,
    filter: ResizeFilter,
    across: Part = [0, fromWidth],
    down: Part = [0, fromHeight],
  ) {
    for (const size of [fromWidth, fromHeight, width, height]) {
      if (!Number.isInteger(size) || size < 1) {
        throw new SamMilError('InvalidInput', 'the image size is not an integer of at least 1', {
          found: `${fromWidth} x ${fromHeight} to ${width} x ${height}`,
        });
      }
    }
    this.fromWidth = fromWidth;
    this.fromHeight = fromHeight;
    this.width = width;
    this.height = height;
    const kernel = KERNELS[filter];
    // As in Pillow, an axis that keeps its size is not filtered.
    if (!isWhole(across, fromWidth, width)) this.across = planAxis(kernel, fromWidth, width, across);
    if (!isWhole(down, fromHeight, height)) this.down = planAxis(kernel, fromHeight, height, down);
    this.middle = new Uint8Array(this.across && this.down ? width * fromHeight * 3 : 0);
  }

  /**
   * @param rgb `fromHeight` x `fromWidth` x 3, row-major
   * @param into `height` x `width` x 3; filled and returned
   */
  resize(rgb: Uint8Array, into: Uint8Array = new Uint8Array(this.width * this.height * 3)): Uint8Array {
    if (this.across && this.down) {
      resizeRows(rgb, this.fromWidth, this.fromHeight, this.across, this.width, this.middle);
      resizeColumns(this.middle, this.width, this.down, this.height, into);
    } else if (this.across) {
      resizeRows(rgb, this.fromWidth, this.fromHeight, this.across, this.width, into);
    } else if (this.down) {
      resizeColumns(rgb, this.width, this.down, this.height, into);
    } else {
      into.set(rgb.subarray(0, into.length));
    }
    return into;
  }
}

const HALF = 1 << (FRACTION_BITS - 1);

function resizeRows(
  source: Uint8Array,
  sourceWidth: number,
  rows: number,
  axis: Axis,
  width: number,
  target: Uint8Array,
): void {
  const { taps, first, count, weights } = axis;
  let out = 0;
  for (let y = 0; y < rows; y++) {
    const row = y * sourceWidth * 3;
    for (let x = 0; x < width; x++) {
      let red = HALF;
      let green = HALF;
      let blue = HALF;
      let at = row + first[x] * 3;
      let k = x * taps;
      const end = k + count[x];
      // Two taps per iteration halve the reads and writes of the sums.
      for (; k + 1 < end; k += 2, at += 6) {
        const here = weights[k];
        const next = weights[k + 1];
        red = (red + Math.imul(source[at], here) + Math.imul(source[at + 3], next)) | 0;
        green = (green + Math.imul(source[at + 1], here) + Math.imul(source[at + 4], next)) | 0;
        blue = (blue + Math.imul(source[at + 2], here) + Math.imul(source[at + 5], next)) | 0;
      }
      if (k < end) {
        red = (red + Math.imul(source[at], weights[k])) | 0;
        green = (green + Math.imul(source[at + 1], weights[k])) | 0;
        blue = (blue + Math.imul(source[at + 2], weights[k])) | 0;
      }
      target[out++] = clip(red >> FRACTION_BITS);
      target[out++] = clip(green >> FRACTION_BITS);
      target[out++] = clip(blue >> FRACTION_BITS);
    }
  }
}

function resizeColumns(
  source: Uint8Array,
  width: number,
  axis: Axis,
  height: number,
  target: Uint8Array,
): void {
  const { taps, first, count, weights } = axis;
  const stride = width * 3;
  const whole = stride - (stride % 4);
  for (let y = 0; y < height; y++) {
    const top = first[y] * stride;
    const from = y * taps;
    const end = from + count[y];
    const out = y * stride;
    // Four adjacent columns stay in registers over all taps, which takes less than half the time of single
    // columns.
    for (let x = 0; x < whole; x += 4) {
      let [a, b, c, d] = [HALF, HALF, HALF, HALF];
      for (let k = from, at = top + x; k < end; k++, at += stride) {
        const weight = weights[k];
        a = (a + Math.imul(source[at], weight)) | 0;
        b = (b + Math.imul(source[at + 1], weight)) | 0;
        c = (c + Math.imul(source[at + 2], weight)) | 0;
        d = (d + Math.imul(source[at + 3], weight)) | 0;
      }
      target[out + x] = clip(a >> FRACTION_BITS);
      target[out + x + 1] = clip(b >> FRACTION_BITS);
      target[out + x + 2] = clip(c >> FRACTION_BITS);
      target[out + x + 3] = clip(d >> FRACTION_BITS);
    }
    for (let x = whole; x < stride; x++) {
      let sum = HALF;
      for (let k = from, at = top + x; k < end; k++, at += stride) {
        sum = (sum + Math.imul(source[at], weights[k])) | 0;
      }
      target[out + x] = clip(sum >> FRACTION_BITS);
    }
  }
}

function clip(value: number): number {
  return value < 0 ? 0 : value > 255 ? 255 : value;
}
