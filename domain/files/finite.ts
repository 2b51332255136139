/**
 * Index of the first NaN or infinity, or -1. Such a value propagates through a sum, and the float64 sum of
 * finite float32 values is always finite. Eight independent running sums are six times as fast as testing
 * each value of a bag of features.
 */
export function firstNotFinite(values: Float32Array | Float64Array): number {
  const { length } = values;
  const even = length - (length % 8);
  let [a, b, c, d, e, f, g, h] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let index = 0; index < even; index += 8) {
    a += values[index];
    b += values[index + 1];
    c += values[index + 2];
    d += values[index + 3];
    e += values[index + 4];
    f += values[index + 5];
    g += values[index + 6];
    h += values[index + 7];
  }
  for (let index = even; index < length; index++) a += values[index];
  // The sum of finite float64 values may overflow, so then test each value.
  if (Number.isFinite(a + b + c + d + e + f + g + h)) return -1;
  return values.findIndex((value) => !Number.isFinite(value));
}
