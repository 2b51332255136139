import { matrix, vector } from './attention.js';
import { kernels, tf, type Tensor1D, type Tensor2D, type Tensor3D } from '../compute/backend.js';
import { differentiable } from '../compute/differentiable.js';
import { minMaxRows } from '../compute/extremes.js';
import { dense, dropout, product, softmax, stackProduct, type Dropout } from '../compute/layers.js';
import { linearSpec, type ParameterSpec, type Weights } from '../compute/parameters.js';
import { layOut, toRegions, toRows } from '../compute/region-layout.js';
import { tokenConvolution, tokenKernels } from '../compute/token-convolution.js';

/** The attention of RRT-MIL (2024): within regions, then between them. */

/** The regions between which attention is computed are always 8 x 8. */
const CROSS_REGIONS = 8;

export interface RegionalShape {
  dim: number;
  heads: number;
  /** Length of the kernels of the position encoding. 0: none. */
  epeg: number;
  /** Regions along each side. */
  across: number;
}

export interface CrossShape {
  dim: number;
  heads: number;
  /** Representatives of a region. */
  representatives: number;
  /** Whether two layers score the tokens, instead of one matrix. */
  mlp: boolean;
}

/** `<name>.qkv` (rows q, k, v, each head by head), `.proj`, and `.epeg.w` [heads, epeg] with `.epeg.b`. */
export function regionalParameters(name: string, { dim, heads, epeg }: RegionalShape): ParameterSpec[] {
  return [
    ...projectionParameters(name, dim),
    ...(epeg === 0
      ? []
      : [
          tokenKernels(`${name}.epeg.w`, heads, epeg),
          { name: `${name}.epeg.b`, shape: [heads], init: 'zeros' as const },
        ]),
  ];
}

/** As above without `.epeg`, and `.phi` [dim, representatives], or `.phi0.w` and `.phi1.w`. */
export function crossParameters(name: string, shape: CrossShape): ParameterSpec[] {
  const { dim, representatives, mlp } = shape;
  const inner = Math.floor(dim / 4);
  return [
    ...projectionParameters(name, dim),
    ...(mlp
      ? [
          ...linearSpec(`${name}.phi0`, dim, inner, false),
          ...linearSpec(`${name}.phi1`, inner, representatives, false),
        ]
      : [
          {
            name: `${name}.phi`,
            shape: [dim, representatives],
            init: { uniform: 1 / Math.sqrt(representatives) },
          },
        ]),
  ];
}

function projectionParameters(name: string, dim: number): ParameterSpec[] {
  return [...linearSpec(`${name}.qkv`, dim, 3 * dim), ...linearSpec(`${name}.proj`, dim, dim)];
}

/**
 * Self-attention within each region, x [n, dim] -> [n, dim]. The empty places of the square take part with
 * the biases as their keys and values, as published. EPEG, the position encoding, adds to the scores of each
 * head their convolution along the queries. The scores are linear in the queries, so the queries are
 * convolved instead, which are fewer numbers. Its bias adds the same number to all scores of a query, which
 * the softmax cancels.
 */
export function regionalAttention(
  x: Tensor2D,
  weights: Weights,
  name: string,
  shape: RegionalShape,
  drop?: Dropout,
): Tensor2D {
  const layout = layOut(x.shape[0], shape.across);
  return tf.tidy(() => {
    const encode = (q: Tensor2D): Tensor2D => {
      if (shape.epeg === 0) return q;
      const encoded = tokenConvolution(q, matrix(weights, `${name}.epeg.w`), layout.regions);
      return withoutEffect(tf.add(q, encoded), weights[`${name}.epeg.b`] as Tensor1D);
    };
    // Layers act on the rows of the bag only: a row of zeros has the biases as query, key and value.
    const all = toRegions(queriesKeysValues(x, weights, name), layout, vector(weights, `${name}.qkv.b`));
    const attended = groupAttention(all, [layout.regions, shape.heads], encode);
    return projected(toRows(attended, layout), weights, name, drop);
  });
}

/**
 * Attention between the regions of an 8 x 8 square, x [n, dim] -> [n, dim]. Scores of its tokens combine each
 * region to a few representatives, which attend to those of the other regions. Each token then receives them
 * by the softmax of its scores, times its scores mapped to 0 ... 1 within the region. In regions of one token
 * that factor is 0.
 */
export function crossAttention(
  x: Tensor2D,
  weights: Weights,
  name: string,
  shape: CrossShape,
  drop?: Dropout,
): Tensor2D {
  const layout = layOut(x.shape[0], CROSS_REGIONS);
  const { dim, representatives: k, heads } = shape;
  const { regions, size } = layout;
  return tf.tidy(() => {
    const tokens = toRegions(x, layout);
    const scores = tokenScores(tokens, weights, name, shape); // [regions x size, k]
    const byRegion = (t: Tensor2D): Tensor3D => tf.transpose(tf.reshape(t, [regions, size, k]), [0, 2, 1]);
    const rows = byRegion(scores);
    const combined = stackProduct(softmax(rows), tf.reshape(tokens, [regions, size, dim]));
    const groups: Tensor2D = tf.reshape(tf.transpose(combined, [1, 0, 2]), [k * regions, dim]);
    const all = queriesKeysValues(groups, weights, name);
    const attended = projected(groupAttention(all, [k, heads]), weights, name, drop);
    const passed: Tensor3D = tf.transpose(tf.reshape(attended, [k, regions, dim]), [1, 0, 2]);
    const shares: Tensor3D = tf.mul(byRegion(softmax(scores)), minMaxRows(rows));
    const received = stackProduct(tf.transpose(shares, [0, 2, 1]), passed); // [regions, size, dim]
    return toRows(tf.reshape(received, [regions * size, dim]), layout);
  });
}

/** [tokens, representatives] */
function tokenScores(tokens: Tensor2D, weights: Weights, name: string, { mlp }: CrossShape): Tensor2D {
  if (!mlp) return product(tokens, matrix(weights, `${name}.phi`));
  const inner = dense(tokens, matrix(weights, `${name}.phi0.w`), undefined, 'tanh');
  return dense(inner, matrix(weights, `${name}.phi1.w`));
}

/** x [n, dim] -> [n, 3 dim] */
function queriesKeysValues(x: Tensor2D, weights: Weights, name: string): Tensor2D {
  return dense(x, matrix(weights, `${name}.qkv.w`), vector(weights, `${name}.qkv.b`));
}

/**
 * Softmax self-attention of several heads within each of some groups of rows of equal size.
 *
 * @param all queries, keys and values, [groups x size, 3 dim]
 * @returns [groups x size, dim]
 */
function groupAttention(
  all: Tensor2D,
  [groups, heads]: [number, number],
  encode: (q: Tensor2D) => Tensor2D = (q) => q,
): Tensor2D {
  const [n, dim] = [all.shape[0], all.shape[1] / 3];
  const [size, width] = [n / groups, dim / heads];
  return tf.tidy(() => {
    const [q, k, v] = tf.split<Tensor2D>(all, 3, 1);
    const split = (t: Tensor2D): Tensor3D =>
      tf.reshape(tf.transpose(tf.reshape(t, [groups, size, heads, width]), [0, 2, 1, 3]), [
        groups * heads,
        size,
        width,
      ]);
    const queries = split(encode(tf.mul(q, width ** -0.5)));
    const attended = tf.reshape(attend(queries, split(k), split(v)), [groups, heads, size, width]);
    return tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [n, dim]);
  });
}

/** softmax(q k^T) v of each of a stack of matrices [s, n, d]. */
function attend(q: Tensor3D, k: Tensor3D, v: Tensor3D): Tensor3D {
  return differentiable([q, k, v], (save) => {
    const shares = kernels.softmax(kernels.stackMatMul(q, k, false, true));
    const value = kernels.stackMatMul(shares, v);
    save([q, k, v, shares, value]);
    return { value, gradient: (dy, saved) => attendGradient(dy, saved as Tensor3D[]) };
  });
}

function attendGradient(dy: Tensor3D, [q, k, v, shares, value]: Tensor3D[]): Tensor3D[] {
  const byShares = kernels.stackMatMul(dy, v, false, true);
  const byScores = softmaxGradient(byShares, shares, dy, value);
  return [
    kernels.stackMatMul(byScores, k),
    kernels.stackMatMul(byScores, q, true),
    kernels.stackMatMul(shares, dy, true),
  ];
}

/**
 * The gradient of a softmax needs the sum over each row of its gradient times its value. This equals the sum
 * of dy times the result, which is used where its rows are shorter.
 */
function softmaxGradient(byShares: Tensor3D, shares: Tensor3D, dy: Tensor3D, value: Tensor3D): Tensor3D {
  if (shares.shape[2] <= value.shape[2]) return kernels.softmaxGrad(byShares, shares);
  const sums = tf.sum(kernels.times(dy, value), 2, true);
  return kernels.times(shares, tf.sub(byShares, sums));
}

function projected(x: Tensor2D, weights: Weights, name: string, drop?: Dropout): Tensor2D {
  return dropout(dense(x, matrix(weights, `${name}.proj.w`), vector(weights, `${name}.proj.b`)), drop);
}

/** x unchanged, as a function of a weight that has no effect: its gradient is 0, not missing. */
function withoutEffect(x: Tensor2D, weight: Tensor1D): Tensor2D {
  return differentiable([x, weight], () => ({
    value: tf.clone(x),
    gradient: (dy) => [dy, tf.zerosLike(weight)],
  }));
}
