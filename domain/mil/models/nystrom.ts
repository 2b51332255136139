import { SamMilError } from '../../errors.js';
import { matrix, vector } from './attention.js';
import { tf, type Tensor2D, type Tensor3D } from '../compute/backend.js';
import {
  dense,
  dropout,
  softmax,
  stackProduct,
  stackProductTransposed,
  type Dropout,
} from '../compute/layers.js';
import { pseudoInverse } from '../compute/pseudo-inverse.js';
import { linearSpec, type ParameterSpec, type Weights } from '../compute/parameters.js';
import { tokenConvolution, tokenKernels } from '../compute/token-convolution.js';

/** Kernel size of the convolution over tokens that is added to the attention's result. */
const KERNEL = 33;

export interface NystromShape {
  dim: number;
  heads: number;
  /** Number of landmarks. The token list is padded to a multiple of it. */
  landmarks: number;
}

/**
 * `<name>.qkv.w` [3 dim, dim] (rows q, k, v, each head by head), `<name>.out`, `<name>.res.w` [heads, 33].
 */
export function nystromParameters(name: string, { dim, heads }: NystromShape): ParameterSpec[] {
  if (dim % heads !== 0) {
    throw new SamMilError(
      'InvalidInput',
      'the embedding cannot be divided among the heads of self-attention',
      {
        expected: `\`embed-dim\` that is a multiple of ${heads}`,
        found: `${dim}`,
      },
    );
  }
  return [
    ...linearSpec(`${name}.qkv`, dim, 3 * dim, false),
    ...linearSpec(`${name}.out`, dim, dim),
    tokenKernels(`${name}.res.w`, heads, KERNEL),
  ];
}

export type NystromResult = {
  /** [n, dim] */
  tokens: Tensor2D;
  /**
   * [heads, n]: attention of the first token to each token. It is approximate, so it may be negative and need
   * not sum to 1. Only if requested.
   */
  firstRow?: Tensor2D;
};

/**
 * Nyström self-attention (Xiong et al. 2021) as in TransMIL: softmax attention through `landmarks` means of
 * consecutive tokens, softmax(q k~) pinv(softmax(q~ k~)) softmax(q~ k) v, the pseudo-inverse by six
 * iterations, plus a convolution of v over the tokens. The tokens are padded with leading zero rows, which
 * are part of the softmax.
 *
 * @param x tokens [n, dim], normalized
 */
export function nystromAttention(
  x: Tensor2D,
  weights: Weights,
  name: string,
  shape: NystromShape,
  options: { dropout?: Dropout; firstRow: boolean },
): NystromResult {
  const { dim, heads, landmarks } = shape;
  const n = x.shape[0];
  const run = Math.ceil(n / landmarks);
  const padded = run * landmarks;
  const front = padded - n;
  return tf.tidy(() => {
    const { q, k, v, values } = projections(x, weights, name, shape, padded);
    const means = (t: Tensor3D): Tensor3D =>
      tf.tidy(() => tf.mean(tf.reshape(t, [heads, landmarks, run, dim / heads]), 2));
    const [qMean, kMean] = [means(q), means(k)];
    const towards = similarity(q, kMean); // [heads, n, landmarks]
    const inverse = pseudoInverse(similarity(qMean, kMean));
    const from = similarity(qMean, k); // [heads, landmarks, n]
    const mixed = tf.tidy((): Tensor2D => {
      const attended = stackProduct(towards, stackProduct(inverse, stackProduct(from, v)));
      const merged: Tensor2D = tf.reshape(tf.transpose(attended, [1, 0, 2]), [padded, dim]);
      return tf.add(merged, tokenConvolution(values, matrix(weights, `${name}.res.w`)));
    });
    const out = dense(mixed, matrix(weights, `${name}.out.w`), vector(weights, `${name}.out.b`));
    const tokens = tf.slice(dropout(out, options.dropout), [front, 0], [n, dim]);
    if (!options.firstRow) return { tokens };
    const first: Tensor3D = tf.slice(towards, [0, front, 0], [heads, 1, landmarks]);
    const row: Tensor2D = tf.reshape(stackProduct(stackProduct(first, inverse), from), [heads, padded]);
    return { tokens, firstRow: tf.slice(row, [0, front], [heads, n]) };
  });
}

/**
 * Queries (scaled), keys and values by head, [heads, padded, size], and the values before the split, [padded,
 * dim].
 */
function projections(
  x: Tensor2D,
  weights: Weights,
  name: string,
  { dim, heads }: NystromShape,
  padded: number,
): { q: Tensor3D; k: Tensor3D; v: Tensor3D; values: Tensor2D } {
  const front = padded - x.shape[0];
  const size = dim / heads;
  return tf.tidy(() => {
    const zeros: [number, number][] = [
      [front, 0],
      [0, 0],
    ];
    const tokens: Tensor2D = front === 0 ? x : tf.pad(x, zeros);
    const all = dense(tokens, matrix(weights, `${name}.qkv.w`));
    const [q, k, values] = tf.split<Tensor2D>(all, 3, 1);
    const split = (t: Tensor2D): Tensor3D => tf.transpose(tf.reshape(t, [padded, heads, size]), [1, 0, 2]);
    return { q: split(tf.mul(q, size ** -0.5)), k: split(k), v: split(values), values };
  });
}

/** softmax(a b^T) of each matrix of two stacks. */
function similarity(a: Tensor3D, b: Tensor3D): Tensor3D {
  return tf.tidy(() => softmax(stackProductTransposed(a, b)));
}
