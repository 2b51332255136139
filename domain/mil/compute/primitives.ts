import type { RandomStream } from '../../random.js';
import { native, tf, type Tensor, type Tensor1D, type Tensor2D, type Tensor3D } from './backend.js';
import * as host from './host-math.js';
import type { Attributes, NativeOps } from './native-ops.js';

/**
 * The few operations that the layers are made of, each as one native call where the native library is there, and as loops on the host
 * where not. Not to be used where gradients are recorded: natively nothing here is, so that its gradient would be lost without a word. `layers.ts` pairs
 * each use with its gradient; gradients themselves and the optimiser may use them as they are.
 */

/** Attribute lists and constant tensors by name: making them anew costs more than some operations do. */
let cached: { of: NativeOps; lists: Map<string, Attributes>; constants: Map<string, Tensor> } | undefined;

function cacheOf(ops: NativeOps) {
  if (cached?.of !== ops) cached = { of: ops, lists: new Map(), constants: new Map() };
  return cached;
}

function attributes(ops: NativeOps, key: string, build: () => Attributes): Attributes {
  const { lists } = cacheOf(ops);
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = build()));
  return list;
}

/** A tensor that is made once and never disposed. */
function constant(ops: NativeOps, key: string, build: () => Tensor): Tensor {
  const { constants } = cacheOf(ops);
  let tensor = constants.get(key);
  if (tensor === undefined) constants.set(key, (tensor = tf.keep(build())));
  return tensor;
}

function float(ops: NativeOps): Attributes {
  return attributes(ops, 'float', () => [ops.type('T', ops.types.float32)]);
}

/**
 * a b, with either transposed first. Through BatchMatMulV2, which is as fast as MatMul: the kernel under MatMul keeps numbers below the stack pointer
 * (oneDNN 3.5's sgemm), so a signal that is handled on its thread, such as those of `node --cpu-prof`, corrupts memory. Without AVX-512 the kernels
 * under both do: no signal may be handled in a process that trains.
 */
export function matMul(a: Tensor2D, b: Tensor2D, transposeA = false, transposeB = false): Tensor2D {
  const ops = native;
  if (ops === undefined) return hostMatMul(a, b, transposeA, transposeB);
  return multiply(ops, 'BatchMatMulV2', [a, b], transposeA, transposeB);
}

function multiply<T extends Tensor>(
  ops: NativeOps,
  name: 'BatchMatMulV2' | 'BatchMatMulV3',
  operands: [T, T],
  transposeA: boolean,
  transposeB: boolean,
): T {
  const types = name === 'BatchMatMulV2' ? ['T'] : ['Ta', 'Tb', 'Tout'];
  const list = attributes(ops, `${name} ${transposeA} ${transposeB}`, () => [
    ...types.map((type) => ops.type(type, ops.types.float32)),
    ops.bool('adj_x', transposeA),
    ops.bool('adj_y', transposeB),
  ]);
  return ops.run(name, list, operands);
}

/**
 * Up to this many multiplications in one matrix of a stack Eigen's kernel (BatchMatMulV3) beats oneDNN's (BatchMatMulV2), whose threads then wait for
 * each other longer than they compute: measured on two threads, 0.09 to 0.25 ms for eight of 32 x 32 x 32, 0.75 to 0.5 ms for eight of 128 x 128 x 128.
 */
const SMALL_PRODUCT = 1_000_000;

/** The products of two stacks of matrices: a [s, m, k], b [s, k, n] -> [s, m, n], with either transposed first. */
export function stackMatMul(a: Tensor3D, b: Tensor3D, transposeA = false, transposeB = false): Tensor3D {
  const ops = native;
  if (ops === undefined) return tf.matMul(a, b, transposeA, transposeB);
  const [, rows, columns] = a.shape;
  const small = rows * columns * b.shape[transposeB ? 1 : 2] <= SMALL_PRODUCT && !ops.gpu;
  return multiply(ops, small ? 'BatchMatMulV3' : 'BatchMatMulV2', [a, b], transposeA, transposeB);
}

function hostMatMul(a: Tensor2D, b: Tensor2D, transposeA: boolean, transposeB: boolean): Tensor2D {
  if (transposeA && transposeB) return tf.matMul(a, b, true, true);
  const [m, k] = transposeA ? [a.shape[1], a.shape[0]] : a.shape;
  const n = b.shape[transposeB ? 0 : 1];
  const product = transposeB ? host.timesTransposed : transposeA ? host.transposedTimes : host.times;
  return tf.tensor2d(product(floats(a), floats(b), [m, k, n]), [m, n]);
}

/** The values of a tensor on the JavaScript backend: no copy. */
function floats(tensor: Tensor): Float32Array {
  return tensor.dataSync() as Float32Array;
}

/** A matrix of the shape of `like`. */
function shaped(values: Float32Array, like: Tensor2D): Tensor2D {
  return tf.tensor2d(values, like.shape);
}

function channelsLast(ops: NativeOps): Attributes {
  return attributes(ops, 'BiasAdd', () => [...float(ops), ops.string('data_format', 'NHWC')]);
}

/** x + b, b added to each row. */
export function addBias(x: Tensor2D, b: Tensor1D): Tensor2D {
  if (native === undefined) return shaped(host.plusRow(floats(x), floats(b)), x);
  return native.run('BiasAdd', channelsLast(native), [x, b]);
}

/** Sum over the rows: the gradient of a bias. */
export function sumRows(x: Tensor2D): Tensor1D {
  if (native === undefined) return tf.tensor1d(host.columnSums(floats(x), x.shape[1]));
  return native.run('BiasAddGrad', channelsLast(native), [x]);
}

/** Rows of x in the given order; a row may come several times. */
export function pickRows(x: Tensor2D, rows: Int32Array): Tensor2D {
  if (native !== undefined) return tf.gather(x, tf.tensor1d(rows, 'int32'));
  const columns = x.shape[1];
  return tf.tensor2d(host.pickRows(floats(x), rows, columns), [rows.length, columns]);
}

/** Adds each row of dy to the row of `count` it was picked from: the gradient of {@link pickRows}. */
export function putRows(dy: Tensor2D, rows: Int32Array, count: number): Tensor2D {
  const columns = dy.shape[1];
  if (native === undefined) {
    return tf.tensor2d(host.putRows(floats(dy), rows, count, columns), [count, columns]);
  }
  const { int32, float32 } = native.types;
  const ops = native;
  const list = attributes(ops, 'UnsortedSegmentSum', () => [
    ops.type('T', float32),
    ops.type('Tindices', int32),
    ops.type('Tnumsegments', int32),
  ]);
  return ops.run('UnsortedSegmentSum', list, [dy, tf.tensor1d(rows, 'int32'), tf.scalar(count, 'int32')]);
}

/** The same values as a new tensor that automatic differentiation knows nothing of: no gradient passes through it. */
export function detached(x: Tensor2D): Tensor2D {
  if (native === undefined) return tf.tensor2d(Float32Array.from(x.dataSync()), x.shape);
  return native.run('Identity', float(native), [x]);
}

/** dy where y > 0, else 0: the gradient of y = relu(x). */
export function reluGrad(dy: Tensor2D, y: Tensor2D): Tensor2D {
  return native === undefined
    ? pairwise(dy, y, (dy, y) => (y > 0 ? dy : 0))
    : native.run('ReluGrad', float(native), [dy, y]);
}

/** dy (1 - y^2): the gradient of y = tanh(x). */
export function tanhGrad(dy: Tensor2D, y: Tensor2D): Tensor2D {
  return native === undefined
    ? pairwise(dy, y, (dy, y) => dy * (1 - y * y))
    : native.run('TanhGrad', float(native), [y, dy]);
}

/** dy y (1 - y): the gradient of y = sigmoid(x). */
export function sigmoidGrad(dy: Tensor2D, y: Tensor2D): Tensor2D {
  return native === undefined
    ? pairwise(dy, y, (dy, y) => dy * y * (1 - y))
    : native.run('SigmoidGrad', float(native), [y, dy]);
}

function pairwise(a: Tensor2D, b: Tensor2D, f: (a: number, b: number) => number): Tensor2D {
  return shaped(host.zipped(floats(a), floats(b), f), a);
}

const FUNCTIONS = {
  relu: (x: number) => Math.max(x, 0),
  tanh: Math.tanh,
  sigmoid: (x: number) => 1 / (1 + Math.exp(-x)),
};

const NATIVE_NAMES = { relu: 'Relu', tanh: 'Tanh', sigmoid: 'Sigmoid' };

export function activated(x: Tensor2D, name: keyof typeof FUNCTIONS): Tensor2D {
  return native === undefined
    ? shaped(host.mapped(floats(x), FUNCTIONS[name]), x)
    : native.run(NATIVE_NAMES[name], float(native), [x]);
}

/** a + b, of equal shapes or with rows and columns repeated as TensorFlow does. */
export function plus<T extends Tensor>(a: T, b: Tensor): T {
  return native === undefined ? tf.add<T>(a, b) : native.run('AddV2', float(native), [a, b]);
}

/** a b, element by element, as {@link plus}. */
export function times<T extends Tensor>(a: T, b: Tensor): T {
  return native === undefined ? tf.mul<T>(a, b) : native.run('Mul', float(native), [a, b]);
}

/** a times a number. Numbers are kept as tensors once they came up: only for those that a setting makes. */
export function timesConstant<T extends Tensor>(a: T, factor: number): T {
  const ops = native;
  if (ops === undefined) return tf.mul<T>(a, factor);
  return times(a, floatConstant(ops, factor));
}

function floatConstant(ops: NativeOps, value: number): Tensor {
  return constant(ops, `float ${value}`, () => tf.scalar(value));
}

/** Softmax of each row: over the last axis. */
export function softmaxOf<T extends Tensor>(x: T): T {
  if (native !== undefined) return native.run('Softmax', float(native), [x]);
  return tf.tensor(host.softmaxRows(floats(x), lengthOfRow(x)), x.shape) as T;
}

/** y (dy - sum of dy y): the gradient of y = softmax(x) by row. */
export function softmaxGrad<T extends Tensor>(dy: T, y: T): T {
  if (native !== undefined) {
    const centered = native.run('Sub', float(native), [dy, tf.sum(times(dy, y), -1, true)]);
    return times(y, centered);
  }
  return tf.tensor(host.softmaxRowsGrad(floats(dy), floats(y), lengthOfRow(y)), y.shape) as T;
}

function lengthOfRow({ shape }: Tensor): number {
  return shape[shape.length - 1];
}

/**
 * What inverted dropout multiplies by: 1 / (1 - rate) with probability 1 - rate, else 0; every element by itself. Natively from TensorFlow's
 * counter-based generator, one random byte an element where `rate` is a multiple of 1/256 (as the usual 1/4 is), which takes a quarter of the numbers.
 *
 * @param stream gives the generator's key; the mask depends on nothing else
 */
export function dropoutMask(rows: number, columns: number, rate: number, stream: RandomStream): Tensor2D {
  if (native === undefined) return hostMask(rows, columns, rate, stream);
  const key = tf.tensor1d([stream.nextUint32() | 0, stream.nextUint32() | 0], 'int32');
  const bytes = rate * 256;
  const useBytes = Number.isInteger(bytes) && !native.gpu && (rows * columns) % 4 === 0;
  const keep = useBytes
    ? keepBytes(native, [rows, columns], bytes, key)
    : keepFloats(native, [rows, columns], rate, key);
  return choose(native, keep, 1 / (1 - rate), 0);
}

function keepFloats(ops: NativeOps, shape: [number, number], rate: number, key: Tensor): Tensor {
  const list = attributes(ops, 'StatelessRandomUniform', () => [
    ops.type('T', ops.types.int32),
    ops.type('Tseed', ops.types.int32),
    ops.type('dtype', ops.types.float32),
  ]);
  const noise = ops.run<Tensor>('StatelessRandomUniform', list, [tf.tensor1d(shape, 'int32'), key]);
  return ops.run('GreaterEqual', float(ops), [noise, tf.scalar(rate)]);
}

function keepBytes(ops: NativeOps, shape: [number, number], threshold: number, key: Tensor): Tensor {
  const { int32, uint8 } = ops.types;
  const random = attributes(ops, 'StatelessRandomUniformFullInt', () => [
    ops.type('T', int32),
    ops.type('Tseed', int32),
    ops.type('dtype', int32),
  ]);
  const toBytes = attributes(ops, 'Bitcast', () => [ops.type('T', int32), ops.type('type', uint8)]);
  const words = tf.tensor1d([(shape[0] * shape[1]) / 4], 'int32');
  const noise = ops.run<Tensor>('StatelessRandomUniformFullInt', random, [words, key]);
  const bytes = reshapeBytes(ops, ops.run('Bitcast', toBytes, [noise]), shape);
  const byteType = attributes(ops, 'uint8', () => [ops.type('T', uint8)]);
  const limit = constant(ops, `byte ${threshold}`, () => byteScalar(ops, threshold));
  return ops.run('GreaterEqual', byteType, [bytes, limit]);
}

/** The JavaScript API has no bytes: it would take them for 32-bit integers. */
function reshapeBytes(ops: NativeOps, bytes: Tensor, shape: [number, number]): Tensor {
  const list = attributes(ops, 'Reshape uint8', () => [
    ops.type('T', ops.types.uint8),
    ops.type('Tshape', ops.types.int32),
  ]);
  return ops.run('Reshape', list, [bytes, tf.tensor1d(shape, 'int32')]);
}

function byteScalar(ops: NativeOps, value: number): Tensor {
  const list = attributes(ops, 'Cast uint8', () => [
    ops.type('SrcT', ops.types.int32),
    ops.type('DstT', ops.types.uint8),
    ops.bool('Truncate', false),
  ]);
  return ops.run('Cast', list, [tf.scalar(value, 'int32')]);
}

/** `yes` where it is true, else `no`. */
function choose(ops: NativeOps, where: Tensor, yes: number, no: number): Tensor2D {
  const [a, b] = [yes, no].map((value) => floatConstant(ops, value));
  return ops.run('SelectV2', float(ops), [where, a, b]);
}

function hostMask(rows: number, columns: number, rate: number, stream: RandomStream): Tensor2D {
  const limit = Math.round(rate * 65536);
  const scale = 1 / (1 - rate);
  const mask = new Float32Array(rows * columns);
  for (let i = 0; i < mask.length; i += 2) {
    const word = stream.nextUint32();
    mask[i] = (word & 0xffff) >= limit ? scale : 0;
    mask[i + 1] = word >>> 16 >= limit ? scale : 0;
  }
  return tf.tensor2d(mask, [rows, columns]);
}
