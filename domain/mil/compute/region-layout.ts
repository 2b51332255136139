import { kernels, tf, type Tensor2D } from './backend.js';
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
}

/**
 * Cuts a square into `across` x `across` regions. The bag fills the square row by row; its side is the
 * smallest multiple of `across` whose square holds the bag, and the places at its end stay empty. Regions,
 * and the tokens in each, are in row-major order.
 */
export function layOut(rows: number, across: number): RegionLayout {
  const length = Math.ceil(Math.ceil(Math.sqrt(rows)) / across); // of the side of a region
  const side = length * across;
  const layout: RegionLayout = {
    regions: across * across,
    size: length * length,
    rows: new Int32Array(side * side).fill(rows),
    tokens: new Int32Array(rows),
  };
  for (let row = 0; row < rows; row++) {
    const [y, x] = [Math.floor(row / side), row % side];
    const region = Math.floor(y / length) * across + Math.floor(x / length);
    const token = region * layout.size + (y % length) * length + (x % length);
    layout.tokens[row] = token;
    layout.rows[token] = row;
  }
  return layout;
}

/** Rows of a bag [n, d] -> tokens [regions x size, d], with zeros at the empty places. */
export function toRegions(x: Tensor2D, layout: RegionLayout): Tensor2D {
  return differentiable([x], () => ({
    value: spread(x, layout),
    gradient: (dy) => [kernels.pickRows(dy, layout.tokens)],
  }));
}

/** Tokens [regions x size, d] -> rows of the bag [n, d]. */
export function toRows(x: Tensor2D, layout: RegionLayout): Tensor2D {
  return differentiable([x], () => ({
    value: kernels.pickRows(x, layout.tokens),
    gradient: (dy) => [spread(dy, layout)],
  }));
}

/** The empty places take the row of zeros that is appended here. */
function spread(x: Tensor2D, { rows }: RegionLayout): Tensor2D {
  const padded: Tensor2D = tf.pad(x, [[0, 1], [0, 0]]); // prettier-ignore
  return kernels.pickRows(padded, rows);
}
