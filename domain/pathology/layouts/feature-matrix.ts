import { SamMilError } from '../../errors.js';
import { firstNotFinite } from '../../files/finite.js';
import type { Dtype } from '../../files/tensor.js';

/**
 * Rows and length of feature vectors stored as N x D or 1 x N x D.
 * @throws SamMilError InvalidInput on another shape or element type
 */
export function matrixShape(
  file: string,
  shape: readonly number[],
  dtype: Dtype,
): [rows: number, dim: number] {
  const flat = shape.length === 3 && shape[0] === 1 ? shape.slice(1) : shape;
  const [rows, dim] = flat;
  if (flat.length !== 2 || dim === 0) {
    throw new SamMilError('InvalidInput', 'the features have the wrong shape', {
      file,
      expected: 'N x D or 1 x N x D',
      found: shape.join(' x ') || 'a single number',
    });
  }
  if (!/^b?float/.test(dtype)) {
    throw new SamMilError('InvalidInput', 'the features have the wrong element type', {
      file,
      expected: 'float16, bfloat16, float32 or float64',
      found: dtype,
    });
  }
  return [rows, dim];
}

/**
 * The values of some rows, as they are.
 * @param start the first of these rows in the file
 * @throws SamMilError InvalidInput naming row and column of a value that is not finite
 */
export function finiteRows(file: string, values: Float32Array, start: number, dim: number): Float32Array {
  const bad = firstNotFinite(values);
  if (bad < 0) return values;
  throw new SamMilError('InvalidInput', 'the features hold values that are not finite', {
    file,
    found: `${values[bad]} in row ${start + Math.floor(bad / dim)}, column ${bad % dim}`,
  });
}

/** @param rows of the file, all of them group features that are left out */
export function noInstance(file: string, rows: number): SamMilError {
  return new SamMilError('InvalidInput', 'the bag holds no instance', {
    file,
    expected: 'at least one feature row',
    found: `${rows} rows${rows > 0 ? ', all of them group features' : ''}`,
  });
}
