import { tf, type Scalar, type Tensor, type Tensor3D } from './backend.js';
import { differentiable } from './differentiable.js';

/**
 * Maxima and minima with PyTorch's gradients where several entries are equal. Those of TensorFlow.js pass the
 * whole gradient to each of the tied entries.
 */

/** The largest entry of a tensor. Tied entries share the gradient evenly, as of `max()` in PyTorch. */
export function largest(x: Tensor): Scalar {
  return differentiable([x], (save) => {
    const value = tf.max<Scalar>(x);
    save([x, value]);
    return {
      value,
      gradient(dy, [x, value]) {
        const tied = tf.cast(tf.equal(x, value), 'float32');
        return [tf.mul(tied, tf.div(dy, tf.sum(tied)))];
      },
    };
  });
}

/** Keeps a row of equal numbers from a division by zero, as in RRT-MIL's published code. */
const SMALLEST_RANGE = 1e-8;

/**
 * Each row mapped to 0 ... 1: (x - smallest) / (largest - smallest + 1e-8), along the last axis of x [s, r,
 * n]. Of tied extremes the first gets the whole gradient, as of `min(dim)` and `max(dim)` in PyTorch.
 */
export function minMaxRows(x: Tensor3D): Tensor3D {
  return differentiable([x], (save) => {
    const smallest = tf.min<Tensor3D>(x, 2, true);
    const greatest = tf.max<Tensor3D>(x, 2, true);
    const range = tf.add<Tensor3D>(tf.sub(greatest, smallest), SMALLEST_RANGE);
    const value = tf.div<Tensor3D>(tf.sub(x, smallest), range);
    save([value, range, firstEqual(x, smallest), firstEqual(x, greatest)]);
    return {
      value,
      gradient(dy, [y, range, isSmallest, isGreatest]) {
        const direct = tf.div(dy, range);
        const bySmallest = tf.sum(tf.mul(direct, tf.sub(y, 1)), 2, true);
        const byGreatest = tf.neg(tf.sum(tf.mul(direct, y), 2, true));
        return [tf.addN([direct, tf.mul(isSmallest, bySmallest), tf.mul(isGreatest, byGreatest)])];
      },
    };
  });
}

/** 1 at the first entry of each row that equals the given number of the row, else 0. */
function firstEqual(x: Tensor3D, wanted: Tensor3D): Tensor3D {
  const n = x.shape[2];
  const places = tf.range(0, n);
  const found = tf.where(tf.equal(x, wanted), places, n);
  return tf.cast(tf.equal<Tensor3D>(places, tf.min(found, 2, true)), 'float32');
}
