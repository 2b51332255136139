import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { RandomStream } from '../../random.js';
import type { AdamRule, AdamSlots } from './adam-slots.js';
import type { Kernels, Nonlinearity } from './kernels.js';
import { nativeSlots } from './native-adam-slots.js';
import { NativeDropout } from './native-dropout.js';
import { nativeOps, type Attributes, type NativeOps, type TensorFlow } from './tensorflow-internals.js';

/**
 * Up to this many multiplications per matrix of a stack, Eigen's kernel (BatchMatMulV3) is faster than
 * oneDNN's (BatchMatMulV2), whose threads wait for each other longer than they compute. Measured on two
 * threads: 0.09 against 0.25 ms for eight products of 32 x 32 x 32, 0.75 against 0.5 ms for eight of 128 x
 * 128 x 128.
 */
const SMALL_PRODUCT = 1_000_000;

const FUNCTIONS: Record<Nonlinearity, string> = { relu: 'Relu', tanh: 'Tanh', sigmoid: 'Sigmoid' };

type Transpositions = `${boolean} ${boolean}`;
type Multiply = 'BatchMatMulV2' | 'BatchMatMulV3';

/** {@link Kernels} as one or a few native calls each. */
export class NativeKernels implements Kernels {
  readonly gpu: boolean;
  private readonly tf: TensorFlow;
  private readonly ops: NativeOps;
  private readonly dropout: NativeDropout;
  private readonly float: Attributes;
  private readonly channelsLast: Attributes;
  private readonly segmentSum: Attributes;
  private readonly multiplication: Record<Multiply, Record<Transpositions, Attributes>>;
  /**
   * Numbers as tensors, which are created once and never disposed. Creating them costs more than some
   * operations.
   */
  private readonly constants = new Map<number, Tensor>();

  constructor(tf: TensorFlow) {
    const ops = nativeOps(tf);
    const { float32, int32 } = ops.types;
    this.tf = tf;
    this.ops = ops;
    this.gpu = ops.gpu;
    this.dropout = new NativeDropout(tf, ops, (value) => this.constant(value));
    this.float = [ops.type('T', float32)];
    this.channelsLast = [...this.float, ops.string('data_format', 'NHWC')];
    this.segmentSum = [...this.float, ops.type('Tindices', int32), ops.type('Tnumsegments', int32)];
    this.multiplication = {
      BatchMatMulV2: multiplications(ops, ['T']),
      BatchMatMulV3: multiplications(ops, ['Ta', 'Tb', 'Tout']),
    };
  }

  /**
   * Uses BatchMatMulV2, which is as fast as MatMul. MatMul's kernel (oneDNN 3.5's sgemm) keeps numbers below
   * the stack pointer, so a signal handled on its thread, such as those of `node --cpu-prof`, corrupts
   * memory. Without AVX-512 both kernels do so: a process that trains must not handle signals.
   */
  matMul(a: Tensor2D, b: Tensor2D, transposeA = false, transposeB = false): Tensor2D {
    return this.multiply('BatchMatMulV2', [a, b], transposeA, transposeB);
  }

  stackMatMul(a: Tensor3D, b: Tensor3D, transposeA = false, transposeB = false): Tensor3D {
    const [, rows, columns] = a.shape;
    const small = rows * columns * b.shape[transposeB ? 1 : 2] <= SMALL_PRODUCT && !this.gpu;
    return this.multiply(small ? 'BatchMatMulV3' : 'BatchMatMulV2', [a, b], transposeA, transposeB);
  }

  addBias(x: Tensor2D, b: Tensor1D): Tensor2D {
    return this.ops.run('BiasAdd', this.channelsLast, [x, b]);
  }

  sumRows(x: Tensor2D): Tensor1D {
    return this.ops.run('BiasAddGrad', this.channelsLast, [x]);
  }

  pickRows(x: Tensor2D, rows: Int32Array): Tensor2D {
    return this.tf.gather(x, this.tf.tensor1d(rows, 'int32'));
  }

  putRows(dy: Tensor2D, rows: Int32Array, count: number): Tensor2D {
    const { tf } = this;
    const inputs = [dy, tf.tensor1d(rows, 'int32'), tf.scalar(count, 'int32')];
    return this.ops.run('UnsortedSegmentSum', this.segmentSum, inputs);
  }

  detached(x: Tensor2D): Tensor2D {
    return this.ops.run('Identity', this.float, [x]);
  }

  activated(x: Tensor2D, name: Nonlinearity): Tensor2D {
    return this.ops.run(FUNCTIONS[name], this.float, [x]);
  }

  /** For ReLU, TensorFlow takes the gradient first; for the others, the value. */
  activatedGrad(dy: Tensor2D, y: Tensor2D, name: Nonlinearity): Tensor2D {
    return this.ops.run(`${FUNCTIONS[name]}Grad`, this.float, name === 'relu' ? [dy, y] : [y, dy]);
  }

  plus<T extends Tensor>(a: T, b: Tensor): T {
    return this.ops.run('AddV2', this.float, [a, b]);
  }

  times<T extends Tensor>(a: T, b: Tensor): T {
    return this.ops.run('Mul', this.float, [a, b]);
  }

  timesConstant<T extends Tensor>(a: T, factor: number): T {
    return this.times(a, this.constant(factor));
  }

  softmax<T extends Tensor>(x: T): T {
    return this.ops.run('Softmax', this.float, [x]);
  }

  softmaxGrad<T extends Tensor>(dy: T, y: T): T {
    const sums = this.tf.sum(this.times(dy, y), -1, true);
    return this.times(y, this.ops.run('Sub', this.float, [dy, sums]));
  }

  dropoutMask(rows: number, columns: number, rate: number, stream: RandomStream): Tensor2D {
    return this.dropout.mask([rows, columns], rate, stream);
  }

  adamSlots(rule: AdamRule): AdamSlots {
    return nativeSlots(this.tf, this.ops, this, rule);
  }

  private multiply<T extends Tensor>(
    name: Multiply,
    operands: [T, T],
    transposeA: boolean,
    transposeB: boolean,
  ): T {
    return this.ops.run(name, this.multiplication[name][`${transposeA} ${transposeB}`], operands);
  }

  private constant(value: number): Tensor {
    const kept = this.constants.get(value);
    if (kept !== undefined) return kept;
    const made = this.tf.keep(this.tf.scalar(value));
    this.constants.set(value, made);
    return made;
  }
}

/** @param types names of the attributes that hold the element type */
function multiplications(ops: NativeOps, types: readonly string[]): Record<Transpositions, Attributes> {
  const list = (transposeA: boolean, transposeB: boolean): Attributes => [
    ...types.map((type) => ops.type(type, ops.types.float32)),
    ops.bool('adj_x', transposeA),
    ops.bool('adj_y', transposeB),
  ];
  return {
    'false false': list(false, false),
    'false true': list(false, true),
    'true false': list(true, false),
    'true true': list(true, true),
  };
}
