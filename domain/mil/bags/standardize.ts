/**
 * Per-feature shift and scale, measured on the training instances of a fold and applied to every bag of the
 * model.
 */
export interface Standardization {
  mean: Float32Array;
  /** Population standard deviation; 1 where a feature does not vary. */
  deviation: Float32Array;
}

/** Features with a smaller deviation count as constant. */
const CONSTANT = 1e-12;

/**
 * Measures mean and deviation over all rows of some matrices, in double precision. Two passes keep it exact
 * for large means.
 *
 * @param matrices row-major, each `dim` wide; iterated twice
 */
export function measure(matrices: Iterable<Float32Array>, dim: number): Standardization {
  const mean = new Float64Array(dim);
  let rows = 0;
  for (const values of matrices) {
    rows += values.length / dim;
    for (let start = 0; start < values.length; start += dim) {
      for (let j = 0; j < dim; j++) mean[j] += values[start + j];
    }
  }
  for (let j = 0; j < dim; j++) mean[j] /= rows;
  const square = new Float64Array(dim);
  for (const values of matrices) {
    for (let start = 0; start < values.length; start += dim) {
      for (let j = 0; j < dim; j++) square[j] += (values[start + j] - mean[j]) ** 2;
    }
  }
  const deviation = Float32Array.from(square, (sum) => {
    const std = Math.sqrt(sum / rows);
    return std < CONSTANT ? 1 : std;
  });
  return { mean: Float32Array.from(mean), deviation };
}

/** Returns (x - mean) / deviation of each row in a new array. */
export function standardized(values: Float32Array, { mean, deviation }: Standardization): Float32Array {
  const dim = mean.length;
  const result = new Float32Array(values.length);
  for (let start = 0; start < values.length; start += dim) {
    for (let j = 0; j < dim; j++) result[start + j] = (values[start + j] - mean[j]) / deviation[j];
  }
  return result;
}
