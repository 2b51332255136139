import type { RandomStream } from '../../random.js';
import {
  kernels,
  tf,
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor3D,
} from './backend.js';
import { differentiable } from './differentiable.js';
import { weightedCrossEntropy } from './instance-loss.js';
import type { Nonlinearity } from './kernels.js';
/** Layers as differentiable functions. Weights have PyTorch's layout: [outputs, inputs], y = x W^T + b. */

export type Activation = 'none' | Nonlinearity;

/** The dropout of a layer. Absent in evaluation. */
export interface Dropout {
  rate: number;
  stream: RandomStream;
}

/** φ(x W^T + b): x [n, in], w [out, in], b [out] -> [n, out]. */
export function dense(x: Tensor2D, w: Tensor2D, b?: Tensor1D, activation: Activation = 'none'): Tensor2D {
  return differentiable([x, w, b], (save) => {
    const value = activate(linear(x, w, b), activation);
    save([x, w, value]);
    return {
      value,
      gradient: (dy, [x, w, y]) => {
        const dz = activationGrad(dy, y as Tensor2D, activation);
        return [
          kernels.matMul(dz, w as Tensor2D),
          kernels.matMul(dz, x as Tensor2D, true),
          b && kernels.sumRows(dz),
        ];
      },
    };
  });
}

/**
 * Embedding of a bag: dropout(relu(x W^T + b)). x [n, dim] is data, so its gradient is not computed, which
 * saves a third of the arithmetic. Where the result is 0, its gradient is 0 too, whether caused by ReLU or by
 * dropout, so neither mask is kept.
 */
export function embed(x: Tensor2D, w: Tensor2D, b?: Tensor1D, dropout?: Dropout): Tensor2D {
  // The gradients of the weights are scaled because they have fewer numbers than those of the instances.
  const scaled = <T extends Tensor>(gradient: T): T =>
    dropout === undefined ? gradient : kernels.timesConstant(gradient, 1 / (1 - dropout.rate));
  return differentiable([w, b], (save) => {
    const active = kernels.activated(linear(x, w, b), 'relu');
    const value = dropout === undefined ? active : dropped(active, dropout);
    save([value, x]);
    return {
      value,
      gradient: (dy, [y, x]) => {
        const dz = kernels.activatedGrad(dy, y as Tensor2D, 'relu');
        return [scaled(kernels.matMul(dz, x as Tensor2D, true)), b && scaled(kernels.sumRows(dz))];
      },
    };
  });
}

/** Inverted dropout: elements are zeroed with probability `rate`, the others scaled by 1 / (1 - rate). */
export function dropout(x: Tensor2D, settings?: Dropout): Tensor2D {
  if (settings === undefined || settings.rate === 0) return x;
  return differentiable([x], (save) => {
    const mask = kernels.dropoutMask(x.shape[0], x.shape[1], settings.rate, settings.stream);
    save([mask]);
    return { value: kernels.times(x, mask), gradient: (dy, [mask]) => [kernels.times(dy, mask)] };
  });
}

/** Rows of x in the given order. A row may occur several times. x [n, d] -> [rows, d]. */
export function gatherRows(x: Tensor2D, rows: Int32Array): Tensor2D {
  const [n] = x.shape;
  return differentiable([x], () => ({
    value: kernels.pickRows(x, rows),
    gradient: (dy) => [kernels.putRows(dy, rows, n)],
  }));
}

/** Softmax of each row, x [r, n] -> [r, n], or of each row of a stack of matrices. */
export function softmax<T extends Tensor>(x: T): T {
  return differentiable([x], (save) => {
    const value = kernels.softmax(x);
    save([value]);
    return { value, gradient: (dy, [y]) => [kernels.softmaxGrad(dy, y as T)] };
  });
}

/**
 * Layer normalization over the last axis (Ba, Kiros, Hinton 2016): (x - mean) / sqrt(variance + 1e-5) g + b.
 * x [n, d], g and b [d].
 */
export function layerNorm(x: Tensor2D, g: Tensor1D, b: Tensor1D): Tensor2D {
  return differentiable([x, g, b], (save) => {
    const { mean, variance } = tf.moments(x, 1, true);
    const inverse = tf.rsqrt(tf.add<Tensor2D>(variance, 1e-5));
    const normal = tf.mul<Tensor2D>(tf.sub(x, mean), inverse);
    save([normal, inverse, g]);
    return {
      value: kernels.addBias(tf.mul<Tensor2D>(normal, g), b),
      gradient: (dy, [normal, inverse, g]) => {
        const dn = tf.mul(dy, g);
        const along = tf.mul(normal, tf.mean(tf.mul(dn, normal), 1, true));
        const dx = tf.mul(tf.sub(tf.sub(dn, tf.mean(dn, 1, true)), along), inverse);
        return [dx, kernels.sumRows(tf.mul<Tensor2D>(dy, normal)), kernels.sumRows(dy)];
      },
    };
  });
}

type Multiply<T> = (a: T, b: T, transposeA?: boolean, transposeB?: boolean) => T;

function productBy<T extends Tensor>(multiply: Multiply<T>, a: T, b: T): T {
  return differentiable<T>([a, b], (save) => {
    save([a, b]);
    return {
      value: multiply(a, b),
      gradient(dy, saved) {
        const [a, b] = saved as T[];
        return [multiply(dy, b, false, true), multiply(a, dy, true)];
      },
    };
  });
}

function productTransposedBy<T extends Tensor>(multiply: Multiply<T>, a: T, b: T): T {
  return differentiable<T>([a, b], (save) => {
    save([a, b]);
    return {
      value: multiply(a, b, false, true),
      gradient(dy, saved) {
        const [a, b] = saved as T[];
        return [multiply(dy, b), multiply(dy, a, true)];
      },
    };
  });
}

/** The elementwise product of two tensors of the same shape. */
export function elementwiseProduct<T extends Tensor>(a: T, b: T): T {
  return differentiable([a, b], (save) => {
    save([a, b]);
    return {
      value: kernels.times(a, b),
      gradient: (dy, [a, b]) => [kernels.times(dy, b), kernels.times(dy, a)],
    };
  });
}

/** a b: a [m, k], b [k, n] -> [m, n]. */
export function product(a: Tensor2D, b: Tensor2D): Tensor2D {
  return productBy((...operands) => kernels.matMul(...operands), a, b);
}

/** a b^T: a [m, k], b [n, k] -> [m, n]. */
export function productTransposed(a: Tensor2D, b: Tensor2D): Tensor2D {
  return productTransposedBy((...operands) => kernels.matMul(...operands), a, b);
}

/** {@link product} of each pair of two stacks: a [s, m, k], b [s, k, n] -> [s, m, n]. */
export function stackProduct(a: Tensor3D, b: Tensor3D): Tensor3D {
  return productBy((...operands) => kernels.stackMatMul(...operands), a, b);
}

/** {@link productTransposed} of each pair of two stacks: a [s, m, k], b [s, n, k] -> [s, m, n]. */
export function stackProductTransposed(a: Tensor3D, b: Tensor3D): Tensor3D {
  return productTransposedBy((...operands) => kernels.stackMatMul(...operands), a, b);
}

/** w u^T + b, the transpose of a linear layer: u [n, in], w [out, in], b [out] -> [out, n]. */
export function rows(u: Tensor2D, w: Tensor2D, b?: Tensor1D): Tensor2D {
  return differentiable([u, w, b], (save) => {
    save([u, w]);
    const z = kernels.matMul(w, u, false, true);
    return {
      value: b === undefined ? z : tf.add(z, tf.reshape(b, [-1, 1])),
      gradient: (dy, [u, w]) => [
        kernels.matMul(dy, w as Tensor2D, true),
        kernels.matMul(dy, u as Tensor2D),
        b && tf.sum(dy, 1),
      ],
    };
  });
}

/**
 * Sum over the rows of `logits` of weight x cross-entropy against `label`. logits [r, classes], weights [r]
 * -> scalar.
 */
export function crossEntropy(logits: Tensor2D, label: number, weights: readonly number[] = [1]): Scalar {
  const classes = logits.shape[1];
  return hostLoss(logits, (values) => {
    const labels = new Array<number>(weights.length).fill(label);
    return weightedCrossEntropy(values, labels, classes, weights);
  });
}

/** A loss that is computed on the host, with its gradient, from the values of a small tensor. */
export function hostLoss(
  input: Tensor2D,
  f: (values: Float32Array) => { loss: number; gradient: Float32Array },
): Scalar {
  return differentiable([input], () => {
    const { loss, gradient } = f(input.dataSync() as Float32Array);
    return {
      value: tf.scalar(loss),
      gradient(dy) {
        const [share] = dy.dataSync();
        const scaled = share === 1 ? gradient : gradient.map((value) => value * share);
        return [tf.tensor2d(scaled, input.shape)];
      },
    };
  });
}

function linear(x: Tensor2D, w: Tensor2D, b: Tensor1D | undefined): Tensor2D {
  const z = kernels.matMul(x, w, false, true);
  return b === undefined ? z : kernels.addBias(z, b);
}

function dropped(x: Tensor2D, { rate, stream }: Dropout): Tensor2D {
  return kernels.times(x, kernels.dropoutMask(x.shape[0], x.shape[1], rate, stream));
}

export function activate(z: Tensor2D, activation: Activation): Tensor2D {
  return activation === 'none' ? z : kernels.activated(z, activation);
}

/** dz of y = φ(z) from dy. For these functions it only needs y. */
export function activationGrad(dy: Tensor2D, y: Tensor2D, activation: Activation): Tensor2D {
  return activation === 'none' ? dy : kernels.activatedGrad(dy, y, activation);
}
