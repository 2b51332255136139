import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  bfloat16FromFloat32,
  float16FromFloat32,
  float32FromBfloat16,
  float32FromFloat16,
} from '../../../domain/files/half-float.js';

const EVERY = Uint16Array.from({ length: 65536 }, (_, bits) => bits);

const FORMATS = [
  { name: 'float16', widen: float32FromFloat16, narrow: float16FromFloat32, infinity: 0x7c00 },
  { name: 'bfloat16', widen: float32FromBfloat16, narrow: bfloat16FromFloat32, infinity: 0x7f80 },
];

for (const { name, widen, narrow, infinity } of FORMATS) {
  describe(name, () => {
    test('every number is its own nearest one', () => {
      const again = narrow(widen(EVERY));
      const wrong = EVERY.findIndex((bits) => (bits & 0x7fff) <= infinity && again[bits] !== bits);
      assert.equal(wrong, -1);
    });

    test('a NaN stays one', () => {
      const again = widen(narrow(widen(EVERY)));
      assert.ok(EVERY.every((bits) => (bits & 0x7fff) <= infinity || Number.isNaN(again[bits])));
    });

    test('values between two neighbors go to the nearer one, and the middle to the even one', () => {
      const finite = EVERY.subarray(0, infinity - 1);
      const below = widen(finite);
      const above = widen(finite.map((bits) => bits + 1));
      const middle = below.map((value, i) => (value + above[i]) / 2);
      const nudge = (direction: number) =>
        new Float32Array(new Uint32Array(middle.buffer.slice(0)).map((bits) => bits + direction).buffer);
      assert.deepEqual(
        narrow(middle),
        finite.map((bits) => bits + (bits & 1)),
      );
      assert.deepEqual(narrow(nudge(-1)), finite);
      assert.deepEqual(
        narrow(nudge(1)),
        finite.map((bits) => bits + 1),
      );
      assert.deepEqual(
        narrow(middle.map((value) => -value)),
        finite.map((bits) => 0x8000 + bits + (bits & 1)),
      );
    });

    test('larger values become infinite', () => {
      assert.deepEqual(narrow(Float32Array.of(3.4e38, -3.4e38, Infinity))[0], infinity);
    });
  });
}

test('values below half of the smallest half float become zero, with their sign', () => {
  assert.deepEqual(
    float16FromFloat32(Float32Array.of(2 ** -25, -(2 ** -26), 1e-45)),
    Uint16Array.of(0, 0x8000, 0),
  );
});
