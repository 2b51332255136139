import type { RandomStream } from '../../random.js';
import { tf, type Tensor2D } from '../compute/backend.js';

/** A bag cut into pseudo-bags, none of them empty. */
export interface PseudoBags {
  /** The pseudo-bag of each row, 0 .. count - 1. */
  of: Int32Array;
  count: number;
  /** The rows of each, in the order drawn. */
  rows: number[][];
}

/** How many pseudo-bags a bag can have: none may be empty. */
function possible(rows: number, count: number): number {
  return Math.max(1, Math.min(count, rows));
}

/** Cuts the rows in random order into equal runs, the remainder going to the last: as SAM-MIL does. */
export function pseudoBags(rows: number, count: number, stream: RandomStream): PseudoBags {
  return equalRuns(stream.permutation(rows), count);
}

export function equalRuns(order: ArrayLike<number>, wanted: number): PseudoBags {
  const count = possible(order.length, wanted);
  const size = Math.floor(order.length / count);
  return cut(order, count, (i) => Math.min(Math.floor(i / size), count - 1));
}

/** Cuts an order into runs that differ by one at most, the longer ones first: as DTFD-MIL does (numpy's array_split). */
export function nearEqualRuns(order: ArrayLike<number>, wanted: number): PseudoBags {
  const count = possible(order.length, wanted);
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

/** [count, n]: 0 for the rows of a pseudo-bag, -infinity for the others. Added to scores, it makes a softmax one over each pseudo-bag. */
export function withinBags({ of, count }: PseudoBags): Tensor2D {
  const n = of.length;
  const values = new Float32Array(count * n).fill(-Infinity);
  of.forEach((bag, row) => (values[bag * n + row] = 0));
  return tf.tensor2d(values, [count, n]);
}
