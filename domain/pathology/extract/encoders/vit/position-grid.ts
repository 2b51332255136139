import type { PositionRule } from './vit-options.js';

/** For each new position along an axis, the old positions that it mixes, and their weights. */
type Mix = readonly { from: number; weight: number }[];

/**
 * Resamples position embeddings to a grid of another size, as the library does that published the encoder
 * (PyTorch's `interpolate`, align_corners false). A grid of the same size is returned unchanged: libraries
 * skip the resampling then, although `by-factor` would shift it.
 *
 * @param grid side x side x width, row-major
 * @returns wanted x wanted x width
 */
export function resamplePositions(
  grid: Float32Array,
  { side, wanted, width }: { side: number; wanted: number; width: number },
  rule: PositionRule,
): Float32Array {
  if (side === wanted) return grid;
  const mixes = Array.from({ length: wanted }, (_, index) => MIXES[rule](index, side, wanted));
  const rows = mixed(grid, mixes, side * width);
  const result = new Float32Array(wanted * wanted * width);
  for (let row = 0; row < wanted; row++) {
    const line = rows.subarray(row * side * width, (row + 1) * side * width);
    result.set(mixed(line, mixes, width), row * wanted * width);
  }
  return result;
}

/** Mixes the `span` numbers of each old position into those of each new one. */
function mixed(values: Float32Array | Float64Array, mixes: readonly Mix[], span: number): Float64Array {
  const result = new Float64Array(mixes.length * span);
  mixes.forEach((mix, index) => {
    for (const { from, weight } of mix) {
      for (let i = 0; i < span; i++) result[index * span + i] += weight * values[from * span + i];
    }
  });
  return result;
}

const MIXES: Record<PositionRule, (index: number, side: number, wanted: number) => Mix> = {
  antialiased,
  'to-size': (index, side, wanted) => plainBicubic(((index + 0.5) * side) / wanted - 0.5, side),
  'by-factor': (index, side, wanted) => plainBicubic(((index + 0.5) * side) / (wanted + 0.1) - 0.5, side),
  bilinear: (index, side, wanted) => bilinear(((index + 0.5) * side) / wanted - 0.5, side),
};

/** Keys' cubic convolution kernel. */
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0;
}

/** Bicubic as in Pillow: the kernel is stretched when the grid shrinks, and cut at the border. */
function antialiased(index: number, side: number, wanted: number): Mix {
  const ratio = side / wanted;
  const stretch = Math.max(1, ratio);
  const center = (index + 0.5) * ratio;
  const first = Math.max(0, Math.trunc(center - 2 * stretch + 0.5));
  const end = Math.min(side, Math.trunc(center + 2 * stretch + 0.5));
  const taps = Array.from({ length: end - first }, (_, tap) => first + tap);
  const weights = taps.map((from) => cubic((from - center + 0.5) / stretch, -0.5));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return taps.map((from, tap) => ({ from, weight: weights[tap] / total }));
}

/** Bicubic with four taps, which are repeated at the border. */
function plainBicubic(source: number, side: number): Mix {
  const base = Math.floor(source);
  return [-1, 0, 1, 2].map((step) => ({
    from: Math.min(side - 1, Math.max(0, base + step)),
    weight: cubic(source - base - step, -0.75),
  }));
}

function bilinear(source: number, side: number): Mix {
  const inside = Math.max(0, source);
  const base = Math.floor(inside);
  return [
    { from: base, weight: 1 - (inside - base) },
    { from: Math.min(side - 1, base + 1), weight: inside - base },
  ];
}
