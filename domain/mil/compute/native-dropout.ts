import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import type { RandomStream } from '../../random.js';
import type { Attributes, NativeOps, TensorFlow } from './tensorflow-internals.js';

type Shape = [rows: number, columns: number];

/**
 * Dropout masks from TensorFlow's counter-based generator. Where `rate` is a multiple of 1/256 (such as 1/4),
 * each element takes one random byte, which needs only a quarter of the numbers.
 */
export class NativeDropout {
  private readonly tf: TensorFlow;
  private readonly ops: NativeOps;
  private readonly constant: (value: number) => Tensor;
  private readonly lists: Record<
    'float' | 'uniform' | 'words' | 'toBytes' | 'reshape' | 'byte' | 'cast',
    Attributes
  >;
  /** Bytes as tensors, which are created once and never disposed. */
  private readonly limits = new Map<number, Tensor>();

  /** @param constant converts a number to a float tensor that the caller keeps */
  constructor(tf: TensorFlow, ops: NativeOps, constant: (value: number) => Tensor) {
    const { float32, int32, uint8 } = ops.types;
    const seeded = [ops.type('T', int32), ops.type('Tseed', int32)];
    this.tf = tf;
    this.ops = ops;
    this.constant = constant;
    this.lists = {
      float: [ops.type('T', float32)],
      uniform: [...seeded, ops.type('dtype', float32)],
      words: [...seeded, ops.type('dtype', int32)],
      toBytes: [ops.type('T', int32), ops.type('type', uint8)],
      reshape: [ops.type('T', uint8), ops.type('Tshape', int32)],
      byte: [ops.type('T', uint8)],
      cast: [ops.type('SrcT', int32), ops.type('DstT', uint8), ops.bool('Truncate', false)],
    };
  }

  mask(shape: Shape, rate: number, stream: RandomStream): Tensor2D {
    const { tf, ops, lists } = this;
    const key = tf.tensor1d([stream.nextUint32() | 0, stream.nextUint32() | 0], 'int32');
    const bytes = rate * 256;
    const useBytes = Number.isInteger(bytes) && !ops.gpu && (shape[0] * shape[1]) % 4 === 0;
    const keep = useBytes ? this.keepBytes(shape, bytes, key) : this.keepFloats(shape, rate, key);
    return ops.run('SelectV2', lists.float, [keep, this.constant(1 / (1 - rate)), this.constant(0)]);
  }

  private keepFloats(shape: Shape, rate: number, key: Tensor): Tensor {
    const { tf, ops, lists } = this;
    const noise = ops.run('StatelessRandomUniform', lists.uniform, [tf.tensor1d(shape, 'int32'), key]);
    return ops.run('GreaterEqual', lists.float, [noise, tf.scalar(rate)]);
  }

  private keepBytes(shape: Shape, threshold: number, key: Tensor): Tensor {
    const { tf, ops, lists } = this;
    const words = tf.tensor1d([(shape[0] * shape[1]) / 4], 'int32');
    const noise = ops.run('StatelessRandomUniformFullInt', lists.words, [words, key]);
    // The JavaScript API has no byte type and would treat bytes as 32-bit integers.
    const flat = ops.run('Bitcast', lists.toBytes, [noise]);
    const bytes = ops.run('Reshape', lists.reshape, [flat, tf.tensor1d(shape, 'int32')]);
    return ops.run('GreaterEqual', lists.byte, [bytes, this.limit(threshold)]);
  }

  private limit(threshold: number): Tensor {
    const kept = this.limits.get(threshold);
    if (kept !== undefined) return kept;
    const { tf, ops, lists } = this;
    const made = tf.keep(ops.run('Cast', lists.cast, [tf.scalar(threshold, 'int32')]));
    this.limits.set(threshold, made);
    return made;
  }
}
