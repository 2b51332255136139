import { kernels, tf, type Tensor1D, type Tensor2D } from './backend.js';
import { differentiable } from './differentiable.js';

/** How a bag is laid out for attention within regions. */
export interface RegionLayout {
  /** Number of regions. */
  regions: number;
  /** Tokens per region. */
  size: number;
  /** Row of the bag of each token, region by region; the number of rows for tokens of zeros. */
  rows: Int32Array;
  /** Token of each row of the bag. */
  tokens: Int32Array;
  /** Tokens at the empty places. */
  empty: Int32Array;
}

/**
 * Cuts a square into `across` x `across` regions. The bag fills the square row by row; its side is the
 * smallest multiple of `across` whose square holds the bag, and the places at its end stay empty. Regions,
 * and the tokens in each, are in row-major order.
 */
export function layOut(rows: number, across: number): RegionLayout {
  const length = Math.ceil(Math.ceil(Math.sqrt(rows)) / across); // of the side of a region
  const side = length * across;
  const size = length * length;
  const places = Int32Array.from({ length: side * side }, (_, place) => {
    const [y, x] = [Math.floor(place / side), place % side];
    const region = Math.floor(y / length) * across + Math.floor(x / length);
    return region * size + (y % length) * length + (x % length);
  });
  const inverse = new Int32Array(places.length).fill(rows);
  for (let row = 0; row < rows; row++) inverse[places[row]] = row;
  return {
    ...{ regions: across * across, size, rows: inverse },
    ...{ tokens: places.slice(0, rows), empty: places.slice(rows) },
  };
}

/** Rows of a bag [n, d] -> tokens [regions x size, d], with `fill` [d] or zeros at the empty places. */
export function toRegions(x: Tensor2D, layout: RegionLayout, fill?: Tensor1D): Tensor2D {
  return differentiable([x, fill], () => ({
    value: spread(x, layout, fill),
    gradient: (dy) => [
      kernels.pickRows(dy, layout.tokens),
      fill && kernels.sumRows(kernels.pickRows(dy, layout.empty)),
    ],
  }));
}

/** Tokens [regions x size, d] -> rows of the bag [n, d]. */
export function toRows(x: Tensor2D, layout: RegionLayout): Tensor2D {
  return differentiable([x], () => ({
    value: kernels.pickRows(x, layout.tokens),
    gradient: (dy) => [spread(dy, layout)],
  }));
}

/** The empty places take the row that is appended here. */
function spread(x: Tensor2D, { rows, empty }: RegionLayout, fill?: Tensor1D): Tensor2D {
  if (empty.length === 0) return kernels.pickRows(x, rows);
  const width = x.shape[1];
  const last = fill === undefined ? tf.zeros([1, width]) : tf.reshape(fill, [1, width]);
  return kernels.pickRows(tf.concat<Tensor2D>([x, last as Tensor2D]), rows);
}
