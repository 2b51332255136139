import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RandomStream } from '../../random.js';
import type { AdamRule, AdamSlots } from './adam-slots.js';

/** Functions of an element whose gradient follows from their value alone. */
export type Nonlinearity = 'relu' | 'tanh' | 'sigmoid';

/**
 * The few operations that the layers are made of: native calls or loops on the host, chosen when the backend is opened. Not to be used
 * where gradients are recorded: natively nothing here is, so that its gradient would be lost without an error. `layers.ts` pairs each use
 * with its gradient; gradients themselves and the optimizer may use them as they are.
 */
export interface Kernels {
  /** a b, with either transposed first. */
  matMul(a: Tensor2D, b: Tensor2D, transposeA?: boolean, transposeB?: boolean): Tensor2D;
  /** The products of two stacks of matrices: a [s, m, k], b [s, k, n] -> [s, m, n], with either transposed first. */
  stackMatMul(a: Tensor3D, b: Tensor3D, transposeA?: boolean, transposeB?: boolean): Tensor3D;
  /** x + b, b added to each row. */
  addBias(x: Tensor2D, b: Tensor1D): Tensor2D;
  /** Sum over the rows: the gradient of a bias. */
  sumRows(x: Tensor2D): Tensor1D;
  /** Rows of x in the given order; a row may come several times. */
  pickRows(x: Tensor2D, rows: Int32Array): Tensor2D;
  /** Adds each row of dy to the row of `count` it was picked from: the gradient of {@link pickRows}. */
  putRows(dy: Tensor2D, rows: Int32Array, count: number): Tensor2D;
  /** The same values as a new tensor that automatic differentiation knows nothing of: no gradient passes through it. */
  detached(x: Tensor2D): Tensor2D;
  activated(x: Tensor2D, name: Nonlinearity): Tensor2D;
  /** The gradient of y = φ(x) from dy: dy where y > 0, else 0; dy (1 - y^2); dy y (1 - y). */
  activatedGrad(dy: Tensor2D, y: Tensor2D, name: Nonlinearity): Tensor2D;
  /** a + b, of equal shapes or with rows and columns repeated as TensorFlow does. */
  plus<T extends Tensor>(a: T, b: Tensor): T;
  /** a b, element by element, as {@link plus}. */
  times<T extends Tensor>(a: T, b: Tensor): T;
  /** a times a number. Numbers may be kept as tensors once they came up: only for those that a setting makes. */
  timesConstant<T extends Tensor>(a: T, factor: number): T;
  /** Softmax of each row: over the last axis. */
  softmax<T extends Tensor>(x: T): T;
  /** y (dy - sum of dy y): the gradient of y = softmax(x) by row. */
  softmaxGrad<T extends Tensor>(dy: T, y: T): T;
  /**
   * What inverted dropout multiplies by: 1 / (1 - rate) with probability 1 - rate, else 0; every element by itself.
   * @param stream gives the generator's key; the mask depends on nothing else
   */
  dropoutMask(rows: number, columns: number, rate: number, stream: RandomStream): Tensor2D;
  /** Where an Adam keeps and updates its parameters. */
  adamSlots(rule: AdamRule): AdamSlots;
}
