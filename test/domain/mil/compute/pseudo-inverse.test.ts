import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  kernels,
  openBackend,
  tf,
  type BackendChoice,
  type Tensor3D,
} from '../../../../domain/mil/compute/backend.js';
import { pseudoInverse } from '../../../../domain/mil/compute/pseudo-inverse.js';
import { RandomStream } from '../../../../domain/random.js';

const HEADS = 3;

/**
 * Rows like those of a softmax over `size` landmarks, but with different sums: TensorFlow.js differentiates
 * the maximum of equal sums in another way.
 */
function attention(size: number): Tensor3D {
  const stream = new RandomStream('pseudo-inverse', size);
  const noise = Float32Array.from({ length: HEADS * size * size }, () => 2 * stream.normal());
  const sums = Float32Array.from({ length: HEADS * size }, (_, row) => 1 + (0.1 * row) / (HEADS * size));
  return tf.tidy(() =>
    tf.mul(tf.softmax(tf.tensor3d(noise, [HEADS, size, size])), tf.tensor3d(sums, [HEADS, size, 1])),
  );
}

/** Razavi's iteration by its definition, differentiated by TensorFlow.js. */
function written(a: Tensor3D): Tensor3D {
  const unit = tf.eye(a.shape[1]);
  const scale = tf.mul(tf.max(tf.sum(a, 2)), tf.max(tf.sum(a, 1)));
  let z: Tensor3D = tf.div(tf.transpose(a, [0, 2, 1]), scale);
  for (let i = 0; i < 6; i++) {
    const az: Tensor3D = tf.matMul(a, z);
    const inner: Tensor3D = tf.sub(tf.mul(unit, 15), tf.matMul(az, tf.sub(tf.mul(unit, 7), az)));
    z = tf.mul(tf.matMul<Tensor3D>(z, tf.sub(tf.mul(unit, 13), tf.matMul(az, inner))), 0.25);
  }
  return z;
}

/** The largest difference divided by the largest magnitude. */
function apart(found: Tensor3D, expected: Tensor3D): number {
  return tf.tidy(() => {
    const difference = tf.max(tf.abs(tf.sub(found, expected)));
    return tf.div(difference, tf.max(tf.abs(expected))).dataSync()[0];
  });
}

function checkSize(size: number): void {
  tf.tidy(() => {
    const a = attention(size);
    assert.ok(apart(pseudoInverse(a), written(a)) < 1e-4, 'the value');
    const probe = tf.randomNormal<Tensor3D['rankType']>(a.shape, 0, 1, 'float32', 3);
    const slope = (inverse: (a: Tensor3D) => Tensor3D) =>
      tf.grad((x) => tf.sum(tf.mul(inverse(x as Tensor3D), probe)))(a) as Tensor3D;
    assert.ok(apart(slope(pseudoInverse), slope(written)) < 1e-3, 'the gradient');
  });
}

/** Compares a b, and products with one operand transposed, with products of single matrices. */
function checkStacks(size: number): void {
  tf.tidy(() => {
    const [a, b] = [attention(size), attention(size + 1).slice([0, 0, 0], [HEADS, size, size])];
    for (const [first, second] of [
      [false, false],
      [true, false],
      [false, true],
    ]) {
      const single = tf.unstack(a).map((m, head) => tf.matMul(m, tf.unstack(b)[head], first, second));
      const difference = apart(kernels.stackMatMul(a, b, first, second), tf.stack(single) as Tensor3D);
      assert.ok(difference < 1e-5, `${size}, transposed ${first} ${second}: ${difference}`);
    }
  });
}

for (const [backend, sizes] of [
  ['js', [1, 6]],
  // A different kernel multiplies sizes of 128 or more.
  ['tensorflow', [1, 6, 32, 128]],
] satisfies [BackendChoice, number[]][]) {
  describe(`with ${backend}`, () => {
    for (const size of sizes) {
      test(`the pseudo-inverse of ${size} x ${size} and its gradient match the iteration`, async () => {
        await openBackend(backend);
        const before = tf.memory().numTensors;
        checkSize(size);
        checkStacks(size);
        assert.equal(tf.memory().numTensors, before, 'no tensor stays');
      });
    }
  });
}
