import {
  arrayFromBytes,
  bytesPerElement,
  type Dtype,
  countElements,
  emptyArray,
  isPossibleShape,
  type Tensor,
} from '../tensor.js';

/** A numpy array as described in a pickle. */
export interface NumpyLayout {
  /** Type code with or without byte order: `<f4`, `|b1`, `i8`. */
  descr: string;
  shape: number[];
  /** True if the values are in column-major order. */
  fortran: boolean;
  bytes: Uint8Array;
}

const DTYPES: Record<string, Dtype> = {
  f8: 'float64',
  f4: 'float32',
  f2: 'float16',
  i8: 'int64',
  i4: 'int32',
  i2: 'int16',
  i1: 'int8',
  u8: 'uint64',
  u4: 'uint32',
  u2: 'uint16',
  u1: 'uint8',
  b1: 'bool',
};

/**
 * Element type of a numpy type code; undefined for types other than numbers, such as text, objects and
 * records.
 */
export function numpyDtype(descr: string): Dtype | undefined {
  return DTYPES[descr.replace(/^[<>=|]/, '')];
}

/**
 * Converts an array to row-major, little-endian order.
 * @throws RangeError if the type, shape or size is invalid
 */
export function numpyTensor({ descr, shape, fortran, bytes }: NumpyLayout): Tensor {
  const dtype = numpyDtype(descr);
  if (dtype === undefined)
    throw new RangeError(`a numpy array of type "${descr}" is not an array of numbers`);
  if (!isPossibleShape(shape)) {
    throw new RangeError(`a numpy array has the invalid shape (${shape.slice(0, 8).join(', ')})`);
  }
  const expectedBytes = countElements(shape) * bytesPerElement(dtype);
  if (expectedBytes !== bytes.byteLength) {
    throw new RangeError(
      `a numpy array ${descr} (${shape.join(', ')}) requires ${expectedBytes} bytes but has ${bytes.byteLength}`,
    );
  }
  const ordered = descr.startsWith('>') ? swapped(bytes, bytesPerElement(dtype)) : bytes;
  const data = arrayFromBytes(dtype, ordered);
  const columns = fortran && shape.length > 1;
  return { dtype, shape, data: columns ? rowMajor(data, dtype, shape) : data };
}

function swapped(bytes: Uint8Array, size: number): Uint8Array {
  const result = Buffer.from(bytes);
  if (size === 2) result.swap16();
  if (size === 4) result.swap32();
  if (size === 8) result.swap64();
  return result;
}

function rowMajor(data: Tensor['data'], dtype: Dtype, shape: readonly number[]): Tensor['data'] {
  const strides = shape.map((_, axis) => countElements(shape.slice(0, axis)));
  return gathered(data, dtype, shape, strides, 0);
}

/**
 * Copies the elements at `offset` with the given `strides` (both in elements) into row-major order. The
 * caller must check the bounds.
 */
export function gathered(
  data: Tensor['data'],
  dtype: Dtype,
  shape: readonly number[],
  strides: readonly number[],
  offset: number,
): Tensor['data'] {
  const result = emptyArray(dtype, countElements(shape));
  if (result.length === 0) return result;
  const position = shape.map(() => 0);
  const last = shape.length - 1;
  let at = offset;
  for (let index = 0; index < result.length; index++) {
    result[index] = data[at];
    let axis = last;
    while (axis >= 0) {
      at += strides[axis];
      if (++position[axis] < shape[axis]) break;
      at -= strides[axis] * shape[axis];
      position[axis] = 0;
      axis--;
    }
  }
  return result;
}
