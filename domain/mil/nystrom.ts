import { matrix, vector } from './attention.js';
import { tf, type Rank, type Tensor2D, type Tensor3D, type Tensor4D } from './backend.js';
import { dense, dropout, type Dropout } from './layers.js';
import { linearSpec, type ParameterSpec, type Weights } from './parameters.js';

/** Taps of the convolution over tokens that is added to the attention's result. */
const KERNEL = 33;
const PINV_ITERATIONS = 6;

export interface NystromShape {
  dim: number;
  heads: number;
  /** Landmarks; the token list is padded to a multiple of it. */
  landmarks: number;
}

/** `<name>.qkv.w` [3 dim, dim] (rows q, k, v, each head by head), `<name>.out`, `<name>.res.w` [heads, 33]. */
export function nystromParameters(name: string, { dim, heads }: NystromShape): ParameterSpec[] {
  return [
    ...linearSpec(`${name}.qkv`, dim, 3 * dim, false),
    ...linearSpec(`${name}.out`, dim, dim),
    // As Xavier-normal of a depth-wise kernel: fans of 33 and of heads x 33.
    {
      name: `${name}.res.w`,
      shape: [heads, KERNEL],
      init: { normal: Math.sqrt(2 / (KERNEL * (1 + heads))) },
    },
  ];
}

export interface NystromResult {
  /** [n, dim] */
  tokens: Tensor2D;
  /** [heads, n]: how much the first token attends to each. Approximate, so it neither sums to 1 nor is always positive. */
  firstRow(): Tensor2D;
}

/**
 * Nyström self-attention (Xiong et al. 2021) as TransMIL uses it: softmax attention through `landmarks` means of consecutive tokens,
 * softmax(q k~) pinv(softmax(q~ k~)) softmax(q~ k) v, the pseudo-inverse by six iterations, plus a convolution of v over the tokens. The tokens are
 * padded with zero rows in front, which take part in the softmax.
 *
 * @param x tokens [n, dim], normalised
 */
export function nystromAttention(
  x: Tensor2D,
  weights: Weights,
  name: string,
  { dim, heads, landmarks }: NystromShape,
  outDropout?: Dropout,
): NystromResult {
  const n = x.shape[0];
  const run = Math.ceil(n / landmarks);
  const padded = run * landmarks;
  const front = padded - n;
  const tokens: Tensor2D = front === 0 ? x : tf.pad(x, [[front, 0], [0, 0]]); // prettier-ignore
  const [qAll, kAll, vAll] = tf.split<Tensor2D>(dense(tokens, matrix(weights, `${name}.qkv.w`)), 3, 1);
  const size = dim / heads;
  const split = (t: Tensor2D): Tensor3D => tf.transpose(tf.reshape(t, [padded, heads, size]), [1, 0, 2]);
  const q = split(tf.mul(qAll, size ** -0.5));
  const k = split(kAll);
  const v = split(vAll);
  const means = (t: Tensor3D): Tensor3D => tf.mean(tf.reshape(t, [heads, landmarks, run, size]), 2);
  const [qMean, kMean] = [means(q), means(k)];
  const towards: Tensor3D = tf.softmax(tf.matMul<Tensor3D>(q, kMean, false, true)); // [heads, n, landmarks]
  const inverse = pseudoInverse(tf.softmax(tf.matMul<Tensor3D>(qMean, kMean, false, true)));
  const from: Tensor3D = tf.softmax(tf.matMul<Tensor3D>(qMean, k, false, true)); // [heads, landmarks, n]
  const attended = tf.matMul(towards, tf.matMul(inverse, tf.matMul(from, v)));
  const merged: Tensor2D = tf.reshape(tf.transpose(attended, [1, 0, 2]), [padded, dim]);
  const mixed: Tensor2D = tf.add(merged, tokenConvolution(vAll, matrix(weights, `${name}.res.w`), size));
  const out = dense(mixed, matrix(weights, `${name}.out.w`), vector(weights, `${name}.out.b`));
  return {
    tokens: tf.slice(dropout(out, outDropout), [front, 0], [n, dim]),
    firstRow() {
      const first = tf.slice(towards, [0, front, 0], [heads, 1, landmarks]);
      const row: Tensor2D = tf.reshape(tf.matMul(tf.matMul(first, inverse), from), [heads, padded]);
      return tf.slice(row, [0, front], [heads, n]);
    },
  };
}

/**
 * Moore-Penrose inverse of each matrix of a stack by Razavi's iteration, Z <- Z (13 - AZ (15 - AZ (7 - AZ))) / 4. It starts from the transpose over
 * the largest row sum times the largest column sum, each taken over the whole stack, as the published code does.
 */
export function pseudoInverse(a: Tensor3D): Tensor3D {
  const size = a.shape[1];
  const absolute = tf.abs(a);
  const scale = tf.mul(tf.max(tf.sum(absolute, 2)), tf.max(tf.sum(absolute, 1)));
  const unit = tf.eye(size);
  const minus = (factor: number, m: Tensor3D): Tensor3D => tf.sub(tf.mul(unit, factor), m);
  let z: Tensor3D = tf.div(tf.transpose(a, [0, 2, 1]), scale);
  for (let i = 0; i < PINV_ITERATIONS; i++) {
    const az: Tensor3D = tf.matMul(a, z);
    const inner = minus(15, tf.matMul<Tensor3D>(az, minus(7, az)));
    z = tf.mul(tf.matMul(z, minus(13, tf.matMul<Tensor3D>(az, inner))), 0.25);
  }
  return z;
}

/** Convolution of v [n, dim] along the tokens with one kernel of 33 a head, zero padding, no bias. */
function tokenConvolution(v: Tensor2D, kernels: Tensor2D, size: number): Tensor2D {
  const [n, dim] = v.shape;
  const heads = kernels.shape[0];
  const each = tf.tile(tf.reshape(tf.transpose(kernels), [KERNEL, heads, 1]), [1, 1, size]);
  const filter = tf.reshape<Rank.R4>(each, [KERNEL, 1, dim, 1]);
  const line = tf.reshape<Rank.R4>(v, [1, n, 1, dim]);
  const result = tf.depthwiseConv2d<Tensor4D>(line, filter, 1, 'same');
  return tf.reshape(result, [n, dim]);
}
