import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstNotFinite } from '../../../domain/files/finite.js';
import { float32FromBfloat16, float32FromFloat16 } from '../../../domain/files/half-float.js';
import { arrayFromBytes, dtypeOf, toFloat32, toInt32 } from '../../../domain/files/tensor.js';

test('every half float is decoded according to IEEE 754', () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, index) => index);
  const values = float32FromFloat16(bits);
  for (let half = 0; half < 65536; half++) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 31;
    const fraction = half & 1023;
    let expected = sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
    if (exponent === 31) expected = fraction === 0 ? sign * Infinity : NaN;
    assert.ok(
      Object.is(values[half], expected),
      `${half.toString(16)}: ${values[half]} instead of ${expected}`,
    );
  }
});

test('bfloat16 is the upper half of a float32', () => {
  assert.deepEqual(
    [...float32FromBfloat16(Uint16Array.of(0x3f80, 0xc040, 0x0000, 0x7f80, 0x0001))],
    [1, -3, 0, Infinity, 2 ** -133],
  );
});

test('tensors are converted to float32 and int32', () => {
  const same = Float32Array.of(1, 2);
  assert.equal(toFloat32({ dtype: 'float32', data: same }), same);
  assert.deepEqual(toFloat32({ dtype: 'int64', data: BigInt64Array.of(-3n) }), Float32Array.of(-3));
  assert.deepEqual(
    toInt32({ dtype: 'float64', data: Float64Array.of(-7, 2 ** 31 - 1) }),
    Int32Array.of(-7, 2 ** 31 - 1),
  );
  assert.deepEqual(toInt32({ dtype: 'float16', data: Uint16Array.of(0x4400) }), Int32Array.of(4));
  for (const value of [0.5, 2 ** 31, NaN, Infinity]) {
    assert.throws(
      () => toInt32({ dtype: 'float64', data: Float64Array.of(1, value) }),
      /element 1 is .*not a whole number/,
    );
  }
  assert.throws(() => toInt32({ dtype: 'int64', data: BigInt64Array.of(2n ** 60n) }), RangeError);
});

test('bytes at an odd offset are copied, aligned ones are not', () => {
  const bytes = new Uint8Array(9);
  bytes.set([0, 0, 128, 63], 1);
  assert.deepEqual(arrayFromBytes('float32', bytes.subarray(1, 5)), Float32Array.of(1));
  const aligned = new Uint8Array(8);
  assert.equal(arrayFromBytes('float32', aligned).buffer, aligned.buffer);
  assert.equal(dtypeOf(new BigUint64Array(0)), 'uint64');
  assert.equal(dtypeOf(new Uint8Array(0)), 'uint8');
});

test('the first non-finite value is found at any position', () => {
  for (let length = 0; length < 12; length++) {
    const values = new Float32Array(length).fill(3e38);
    assert.equal(firstNotFinite(values), -1);
    for (let at = 0; at < length; at++) {
      for (const bad of [NaN, Infinity, -Infinity]) {
        const damaged = values.slice();
        damaged[at] = bad;
        assert.equal(firstNotFinite(damaged), at);
      }
    }
  }
});
