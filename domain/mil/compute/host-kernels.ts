import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RandomStream } from '../../random.js';
import { hostSlots, type AdamRule, type AdamSlots } from './adam-slots.js';
import * as host from './host-math.js';
import type { Kernels, Nonlinearity } from './kernels.js';
import type { TensorFlow } from './tensorflow-internals.js';

const FUNCTIONS: Record<Nonlinearity, (x: number) => number> = {
  relu: (x) => Math.max(x, 0),
  tanh: Math.tanh,
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
};

const GRADIENTS: Record<Nonlinearity, (dy: number, y: number) => number> = {
  relu: (dy, y) => (y > 0 ? dy : 0),
  tanh: (dy, y) => dy * (1 - y * y),
  sigmoid: (dy, y) => dy * y * (1 - y),
};

/** {@link Kernels} as loops over the arrays of the JavaScript backend. */
export class HostKernels implements Kernels {
  private readonly tf: TensorFlow;

  constructor(tf: TensorFlow) {
    this.tf = tf;
  }

  matMul(a: Tensor2D, b: Tensor2D, transposeA = false, transposeB = false): Tensor2D {
    if (transposeA && transposeB) return this.tf.matMul(a, b, true, true);
    const [m, k] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
    const n = b.shape[transposeB ? 0 : 1];
    const product = transposeB ? host.timesTransposed : transposeA ? host.transposedTimes : host.times;
    return this.tf.tensor2d(product(floats(a), floats(b), [m, k, n]), [m, n]);
  }

  stackMatMul(a: Tensor3D, b: Tensor3D, transposeA = false, transposeB = false): Tensor3D {
    return this.tf.matMul(a, b, transposeA, transposeB);
  }

  addBias(x: Tensor2D, b: Tensor1D): Tensor2D {
    return this.shaped(host.plusRow(floats(x), floats(b)), x);
  }

  sumRows(x: Tensor2D): Tensor1D {
    return this.tf.tensor1d(host.columnSums(floats(x), x.shape[1]));
  }

  pickRows(x: Tensor2D, rows: Int32Array): Tensor2D {
    const columns = x.shape[1];
    return this.tf.tensor2d(host.pickRows(floats(x), rows, columns), [rows.length, columns]);
  }

  putRows(dy: Tensor2D, rows: Int32Array, count: number): Tensor2D {
    const columns = dy.shape[1];
    return this.tf.tensor2d(host.putRows(floats(dy), rows, count, columns), [count, columns]);
  }

  detached(x: Tensor2D): Tensor2D {
    return this.shaped(Float32Array.from(x.dataSync()), x);
  }

  activated(x: Tensor2D, name: Nonlinearity): Tensor2D {
    return this.shaped(host.mapped(floats(x), FUNCTIONS[name]), x);
  }

  activatedGrad(dy: Tensor2D, y: Tensor2D, name: Nonlinearity): Tensor2D {
    return this.shaped(host.zipped(floats(dy), floats(y), GRADIENTS[name]), dy);
  }

  plus<T extends Tensor>(a: T, b: Tensor): T {
    return this.tf.add<T>(a, b);
  }

  times<T extends Tensor>(a: T, b: Tensor): T {
    return this.tf.mul<T>(a, b);
  }

  timesConstant<T extends Tensor>(a: T, factor: number): T {
    return this.tf.mul<T>(a, factor);
  }

  softmax<T extends Tensor>(x: T): T {
    return this.shaped(host.softmaxRows(floats(x), rowLength(x)), x);
  }

  softmaxGrad<T extends Tensor>(dy: T, y: T): T {
    return this.shaped(host.softmaxRowsGrad(floats(dy), floats(y), rowLength(y)), y);
  }

  dropoutMask(rows: number, columns: number, rate: number, stream: RandomStream): Tensor2D {
    const limit = Math.round(rate * 65536);
    const scale = 1 / (1 - rate);
    const mask = new Float32Array(rows * columns);
    for (let i = 0; i < mask.length; i += 2) {
      const word = stream.nextUint32();
      mask[i] = (word & 0xffff) >= limit ? scale : 0;
      mask[i + 1] = word >>> 16 >= limit ? scale : 0;
    }
    return this.tf.tensor2d(mask, [rows, columns]);
  }

  adamSlots(rule: AdamRule): AdamSlots {
    return hostSlots(this.tf, rule);
  }

  /** A tensor with the shape of `like`. */
  private shaped<T extends Tensor>(values: Float32Array, like: T): T {
    return this.tf.tensor(values, like.shape) as T;
  }
}

/** The values of a tensor on the JavaScript backend, without a copy. */
function floats(tensor: Tensor): Float32Array {
  return tensor.dataSync() as Float32Array;
}

function rowLength({ shape }: Tensor): number {
  return shape[shape.length - 1];
}
