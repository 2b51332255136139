/**
 * The arithmetic of the layers in plain loops over row-major arrays, for the JavaScript backend. For bags of
 * a few dozen instances this is faster than calls into a native library.
 */

/** a b^T: a [m, k], b [n, k] -> [m, n]. Sums in double precision. */
export function timesTransposed(
  a: Float32Array,
  b: Float32Array,
  [m, k, n]: readonly number[],
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(m * n);
  const even = k - (k % 4);
  for (let i = 0; i < m; i++) {
    const left = i * k;
    for (let j = 0; j < n; j++) {
      const right = j * k;
      // Four sums, because each addition waits for the previous one.
      let [s0, s1, s2, s3] = [0, 0, 0, 0];
      for (let at = 0; at < even; at += 4) {
        s0 += a[left + at] * b[right + at];
        s1 += a[left + at + 1] * b[right + at + 1];
        s2 += a[left + at + 2] * b[right + at + 2];
        s3 += a[left + at + 3] * b[right + at + 3];
      }
      for (let at = even; at < k; at++) s0 += a[left + at] * b[right + at];
      result[i * n + j] = s0 + s1 + (s2 + s3);
    }
  }
  return result;
}

/**
 * a b: a [m, k], b [k, n] -> [m, n]. Zeros in `a`, which ReLU and dropout produce in large numbers, are
 * skipped.
 */
export function times(
  a: Float32Array,
  b: Float32Array,
  [m, k, n]: readonly number[],
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let at = 0; at < k; at++) addRow(result, i * n, a[i * k + at], b, at * n, n);
  }
  return result;
}

/** a^T b: a [k, m], b [k, n] -> [m, n]. Zeros in `a` are skipped. */
export function transposedTimes(
  a: Float32Array,
  b: Float32Array,
  [m, k, n]: readonly number[],
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(m * n);
  for (let at = 0; at < k; at++) {
    for (let i = 0; i < m; i++) addRow(result, i * n, a[at * m + i], b, at * n, n);
  }
  return result;
}

/** to[start ...] += factor from[begin ...], n numbers. */
function addRow(
  to: Float32Array,
  start: number,
  factor: number,
  from: Float32Array,
  begin: number,
  n: number,
): void {
  if (factor === 0) return;
  for (let j = 0; j < n; j++) to[start + j] += factor * from[begin + j];
}

/** Applies `f` to each value. */
export function mapped(values: Float32Array, f: (value: number) => number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) result[i] = f(values[i]);
  return result;
}

/** Applies `f` to each pair of values of two arrays. */
export function zipped(
  a: Float32Array,
  b: Float32Array,
  f: (a: number, b: number) => number,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(a.length);
  for (let i = 0; i < a.length; i++) result[i] = f(a[i], b[i]);
  return result;
}

/** Adds b [n] to each row of x [rows, n]. */
export function plusRow(x: Float32Array, b: Float32Array): Float32Array<ArrayBuffer> {
  const result = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += b.length) {
    for (let j = 0; j < b.length; j++) result[start + j] = x[start + j] + b[j];
  }
  return result;
}

/** Sum over the rows of x [rows, n]. */
export function columnSums(x: Float32Array, n: number): Float32Array<ArrayBuffer> {
  const sums = new Float64Array(n);
  for (let start = 0; start < x.length; start += n) {
    for (let j = 0; j < n; j++) sums[j] += x[start + j];
  }
  return Float32Array.from(sums);
}

/** Softmax of each row of x [rows, n]. A row that holds only -infinity gives NaN. */
export function softmaxRows(x: Float32Array, n: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += n) {
    let largest = -Infinity;
    for (let j = 0; j < n; j++) largest = Math.max(largest, x[start + j]);
    let sum = 0;
    for (let j = 0; j < n; j++) sum += result[start + j] = Math.exp(x[start + j] - largest);
    for (let j = 0; j < n; j++) result[start + j] /= sum;
  }
  return result;
}

/** Gradient of the row-wise y = softmax(x): y (dy - sum of dy y). */
export function softmaxRowsGrad(dy: Float32Array, y: Float32Array, n: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(y.length);
  for (let start = 0; start < y.length; start += n) {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += dy[start + j] * y[start + j];
    for (let j = 0; j < n; j++) result[start + j] = y[start + j] * (dy[start + j] - sum);
  }
  return result;
}

/** Returns the given rows of x, with `n` numbers each. */
export function pickRows(x: Float32Array, rows: Int32Array, n: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(rows.length * n);
  rows.forEach((row, i) => result.set(x.subarray(row * n, (row + 1) * n), i * n));
  return result;
}

/** Adds the rows of dy to the given rows of a zero matrix with `count` rows. */
export function putRows(
  dy: Float32Array,
  rows: Int32Array,
  count: number,
  n: number,
): Float32Array<ArrayBuffer> {
  const result = new Float32Array(count * n);
  rows.forEach((row, i) => addRow(result, row * n, 1, dy, i * n, n));
  return result;
}

/** Softmax in double precision. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const largest = Math.max(...Array.from(logits));
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}
