import { tf, type Rank, type Tensor2D, type Tensor4D } from './backend.js';
import type { ParameterSpec } from './parameters.js';

/** One kernel per head. Xavier-normal of a depthwise kernel: fans of `size` and of heads x `size`. */
export function tokenKernels(name: string, heads: number, size: number): ParameterSpec {
  return { name, shape: [heads, size], init: { normal: Math.sqrt(2 / (size * (1 + heads))) } };
}

/**
 * Convolution along the tokens with one kernel per head, zero padding and no bias.
 *
 * @param x [segments x n, dim]: segments of equal length, each convolved separately
 * @param kernels [heads, size] with an odd size; the columns of x belong to the heads in equal shares
 * @returns [segments x n, dim]
 */
export function tokenConvolution(x: Tensor2D, kernels: Tensor2D, segments = 1): Tensor2D {
  const [n, dim] = x.shape;
  const [heads, size] = kernels.shape;
  // The kernels are spread by a product, whose gradient is one sum. The gradient of `tile` takes a call per
  // copy.
  const each = tf.mul(tf.reshape(tf.transpose(kernels), [size, heads, 1]), tf.ones([1, 1, dim / heads]));
  const filter = tf.reshape<Rank.R4>(each, [size, 1, dim, 1]);
  const lines = tf.reshape<Rank.R4>(x, [segments, n / segments, 1, dim]);
  const result = tf.depthwiseConv2d<Tensor4D>(lines, filter, 1, 'same');
  return tf.reshape(result, [n, dim]);
}
