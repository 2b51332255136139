import { float32FromBfloat16, float32FromFloat16 } from './half-float.js';

/** Element types with the names that numpy and HDF5 users know. */
export type Dtype =
  | 'float64'
  | 'float32'
  | 'float16'
  | 'bfloat16'
  | 'int64'
  | 'int32'
  | 'int16'
  | 'int8'
  | 'uint64'
  | 'uint32'
  | 'uint16'
  | 'uint8'
  | 'bool';

export type TypedArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | BigUint64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

/**
 * A dense array in row-major order. The length of `data` is the product of `shape`; `[]` is a scalar with one
 * element. Half floats are stored as their bits (`Uint16Array`), so that a round trip is exact;
 * {@link toFloat32} decodes them.
 */
export interface Tensor {
  dtype: Dtype;
  shape: number[];
  data: TypedArray;
}

interface ArrayClass {
  new (length: number): TypedArray;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): TypedArray;
  readonly BYTES_PER_ELEMENT: number;
}

const arrayClasses: Record<Dtype, ArrayClass> = {
  float64: Float64Array,
  float32: Float32Array,
  float16: Uint16Array,
  bfloat16: Uint16Array,
  int64: BigInt64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint64: BigUint64Array,
  uint32: Uint32Array,
  uint16: Uint16Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

export function bytesPerElement(dtype: Dtype): number {
  return arrayClasses[dtype].BYTES_PER_ELEMENT;
}

/** Creates a zero-filled array of `length` elements of `dtype`. */
export function emptyArray(dtype: Dtype, length: number): TypedArray {
  return new arrayClasses[dtype](length);
}

/**
 * Returns `bytes` as elements of `dtype` (little-endian, like every platform that Node supports). They are
 * copied only if they are not aligned.
 */
export function arrayFromBytes(dtype: Dtype, bytes: Uint8Array): TypedArray {
  const size = bytesPerElement(dtype);
  // Not `slice`, which does not copy a Buffer.
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return new arrayClasses[dtype](aligned.buffer, aligned.byteOffset, Math.floor(bytes.byteLength / size));
}

/** Returns the memory of `data` as bytes, without copying. */
export function viewBytes(data: ArrayBufferView): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * The default element type for writing `data`.
 * @throws TypeError for other arrays
 */
export function dtypeOf(data: TypedArray): Dtype {
  const name = data.constructor.name;
  const found = (Object.keys(arrayClasses) as Dtype[]).find(
    (dtype) =>
      dtype !== 'float16' && dtype !== 'bfloat16' && dtype !== 'bool' && arrayClasses[dtype].name === name,
  );
  if (found === undefined) throw new TypeError(`dtypeOf: no element type for ${name}`);
  return found;
}

/** Number of elements: the product of the dimensions, 1 for a scalar. */
export function countElements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Maximum number of axes in numpy and torch. */
const MAX_AXES = 64;

/** Maximum length of an axis: no array has more elements. An axis of length 0 does not make others valid. */
const MAX_AXIS = 2 ** 33;

/** Whether a shape that a file states can be that of a tensor. */
export function isPossibleShape(shape: readonly number[]): boolean {
  return (
    shape.length <= MAX_AXES &&
    shape.every((size) => Number.isSafeInteger(size) && size >= 0 && size <= MAX_AXIS)
  );
}

/**
 * Converts values to float32. Float32 arrays are returned unchanged; float64 and integers are rounded, half
 * floats are widened.
 */
export function toFloat32(tensor: Pick<Tensor, 'dtype' | 'data'>): Float32Array {
  const { dtype, data } = tensor;
  if (data instanceof Float32Array) return data;
  if (dtype === 'float16') return float32FromFloat16(data as Uint16Array);
  if (dtype === 'bfloat16') return float32FromBfloat16(data as Uint16Array);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Float32Array.from(data, Number);
  return Float32Array.from(data);
}

/**
 * Converts whole numbers of any integer or float type to int32 (coords are stored as int64, int32 or
 * float64).
 * @throws RangeError that names the first value that is not a whole number within int32
 */
export function toInt32(tensor: Pick<Tensor, 'dtype' | 'data'>): Int32Array {
  const { dtype, data } = tensor;
  if (data instanceof Int32Array) return data;
  if (data instanceof BigInt64Array) return int32OfInt64(data);
  const source = dtype === 'float16' || dtype === 'bfloat16' ? toFloat32(tensor) : data;
  const result = new Int32Array(source.length);
  for (let index = 0; index < source.length; index++) {
    const value = Number(source[index]);
    if (value !== (value | 0)) {
      throw new RangeError(`element ${index} is ${value}, which is not a whole number within int32`);
    }
    result[index] = value;
  }
  return result;
}

/**
 * Uses the two 32-bit halves: the upper half must be the sign extension of the lower one. This is twenty
 * times as fast as converting each BigInt.
 */
function int32OfInt64(data: BigInt64Array): Int32Array {
  const halves = new Int32Array(data.buffer, data.byteOffset, data.length * 2);
  const result = new Int32Array(data.length);
  for (let index = 0; index < data.length; index++) {
    const low = halves[2 * index];
    if (halves[2 * index + 1] !== low >> 31) {
      throw new RangeError(`element ${index} is ${data[index]}, which is not a whole number within int32`);
    }
    result[index] = low;
  }
  return result;
}

/**
 * Converts int32 values to int64 by writing the two 32-bit halves, which is twenty times as fast as
 * converting each value to a BigInt.
 */
export function toInt64(values: Int32Array): BigInt64Array {
  const halves = new Int32Array(values.length * 2);
  for (let index = 0; index < values.length; index++) {
    halves[2 * index] = values[index];
    halves[2 * index + 1] = values[index] >> 31;
  }
  return new BigInt64Array(halves.buffer);
}
