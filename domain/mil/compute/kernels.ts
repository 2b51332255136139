import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RandomStream } from '../../random.js';
import type { AdamRule, AdamSlots } from './adam-slots.js';

/** Elementwise functions whose gradient follows from their value. */
export type Nonlinearity = 'relu' | 'tanh' | 'sigmoid';

/**
 * The basic operations of the layers: native calls or loops on the host, selected when the backend opens. Do
 * not use them where gradients are recorded: the native ones are not recorded, so their gradients would be
 * lost without an error. `layers.ts` pairs each use with its gradient; gradients and the optimizer can use
 * them directly.
 */
export interface Kernels {
  /** a b, with either transposed first. */
  matMul(a: Tensor2D, b: Tensor2D, transposeA?: boolean, transposeB?: boolean): Tensor2D;
  /**
   * The products of two stacks of matrices: a [s, m, k], b [s, k, n] -> [s, m, n], with either transposed
   * first.
   */
  stackMatMul(a: Tensor3D, b: Tensor3D, transposeA?: boolean, transposeB?: boolean): Tensor3D;
  /** x + b, b added to each row. */
  addBias(x: Tensor2D, b: Tensor1D): Tensor2D;
  /** Sum over the rows: the gradient of a bias. */
  sumRows(x: Tensor2D): Tensor1D;
  /** Rows of x in the given order. A row may occur several times. */
  pickRows(x: Tensor2D, rows: Int32Array): Tensor2D;
  /** Adds each row of dy to the row of `count` it was picked from: the gradient of {@link pickRows}. */
  putRows(dy: Tensor2D, rows: Int32Array, count: number): Tensor2D;
  /** The same values in a new tensor through which no gradient passes. */
  detached(x: Tensor2D): Tensor2D;
  activated(x: Tensor2D, name: Nonlinearity): Tensor2D;
  /** The gradient of y = φ(x) from dy: dy where y > 0, else 0; dy (1 - y^2); dy y (1 - y). */
  activatedGrad(dy: Tensor2D, y: Tensor2D, name: Nonlinearity): Tensor2D;
  /** a + b, with equal shapes or broadcast as in TensorFlow. */
  plus<T extends Tensor>(a: T, b: Tensor): T;
  /** The elementwise product of a and b, with broadcasting as in {@link plus}. */
  times<T extends Tensor>(a: T, b: Tensor): T;
  /**
   * a times a number. Implementations may cache the number as a tensor, so use it only for constants and
   * settings.
   */
  timesConstant<T extends Tensor>(a: T, factor: number): T;
  /** Softmax of each row: over the last axis. */
  softmax<T extends Tensor>(x: T): T;
  /** y (dy - sum of dy y): the gradient of the row-wise y = softmax(x). */
  softmaxGrad<T extends Tensor>(dy: T, y: T): T;
  /**
   * The factors of inverted dropout: 1 / (1 - rate) with probability 1 - rate, else 0, drawn for each
   * element.
   *
   * @param stream source of the generator's key; the mask depends only on it
   */
  dropoutMask(rows: number, columns: number, rate: number, stream: RandomStream): Tensor2D;
  /** Creates the storage in which an Adam optimizer updates its parameters. */
  adamSlots(rule: AdamRule): AdamSlots;
}
