import type { RandomStream } from '../../random.js';
import { tf, type Tensor2D } from '../compute/backend.js';

/** A bag divided into non-empty pseudo-bags. */
export interface PseudoBags {
  /** The pseudo-bag of each row, 0 .. count - 1. */
  of: Int32Array;
  count: number;
  /** The rows of each pseudo-bag, in the order drawn. */
  rows: number[][];
}

/** The number of pseudo-bags that a bag can have without an empty one. */
function possible(rows: number, count: number): number {
  return Math.max(1, Math.min(count, rows));
}

/** Divides the rows, in random order, into equal runs. The last run gets the remainder, as in SAM-MIL. */
export function pseudoBags(rows: number, count: number, stream: RandomStream): PseudoBags {
  return equalRuns(stream.permutation(rows), count);
}

export function equalRuns(order: ArrayLike<number>, requested: number): PseudoBags {
  const count = possible(order.length, requested);
  const size = Math.floor(order.length / count);
  return cut(order, count, (i) => Math.min(Math.floor(i / size), count - 1));
}

/**
 * Divides an order into runs that differ in length by at most one, longer ones first, as in DTFD-MIL (numpy's
 * array_split).
 */
export function nearEqualRuns(order: ArrayLike<number>, requested: number): PseudoBags {
  const count = possible(order.length, requested);
  const size = Math.floor(order.length / count);
  const longer = order.length % count;
  const ofLonger = longer * (size + 1);
  return cut(order, count, (i) =>
    i < ofLonger ? Math.floor(i / (size + 1)) : longer + Math.floor((i - ofLonger) / size),
  );
}

function cut(order: ArrayLike<number>, count: number, runOf: (i: number) => number): PseudoBags {
  const of = new Int32Array(order.length);
  const rows = Array.from({ length: count }, (): number[] => []);
  for (let i = 0; i < order.length; i++) {
    of[order[i]] = runOf(i);
    rows[runOf(i)].push(order[i]);
  }
  return { of, count, rows };
}

/**
 * [count, n]: 0 for the rows of a pseudo-bag, -infinity for the others. Added to scores, it restricts a
 * softmax to each pseudo-bag.
 */
export function withinBags({ of, count }: PseudoBags): Tensor2D {
  const n = of.length;
  const values = new Float32Array(count * n).fill(-Infinity);
  of.forEach((bag, row) => (values[bag * n + row] = 0));
  return tf.tensor2d(values, [count, n]);
}
