import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { openBackend, tf, type Tensor, type Tensor3D } from '../../../../domain/mil/compute/backend.js';
import { largest, minMaxRows } from '../../../../domain/mil/compute/extremes.js';

/** The gradient of the sum of factors x f(x). */
function slope(f: (x: Tensor) => Tensor, x: Tensor, factors: number[]): number[] {
  const weigh = (y: Tensor) => tf.sum(tf.mul(y, tf.reshape(tf.tensor1d(factors), y.shape)));
  return [...tf.tidy(() => tf.grad((t: Tensor) => weigh(f(t)))(x)).dataSync()];
}

for (const backend of ['tensorflow', 'js'] as const) {
  describe(`extremes on ${backend}`, () => {
    before(() => openBackend(backend));

    test('equal maxima of a whole tensor share the gradient evenly', () => {
      const x = tf.tensor2d([3, 1, 3, 2, 3, 3], [2, 3]);
      assert.deepEqual(slope(largest, x, [2]), [0.5, 0, 0.5, 0, 0.5, 0.5]);
      assert.deepEqual(slope(largest, tf.tensor1d([-1, 4, 2]), [2]), [0, 2, 0]);
    });

    test('of equal extremes of a row, the first gets the gradient', () => {
      const x = tf.tensor3d([0, 2, 4, 4, 0], [1, 1, 5]);
      const rows = (t: Tensor) => minMaxRows(t as Tensor3D);
      assert.deepEqual([...rows(x).dataSync()], [0, 0.5, 1, 1, 0]);
      // Of y = (x - a) / (b - a) with a = 0, b = 4: dy/da = (y - 1) / 4, dy/db = -y / 4.
      assert.deepEqual(slope(rows, x, [0, 4, 0, 0, 0]), [-0.5, 1, -0.5, 0, 0]);
      assert.deepEqual(slope(rows, x, [0, 0, 0, 4, 0]), [0, 0, -1, 1, 0]);
    });

    test('a row of one number is 0 without a gradient', () => {
      const x = tf.tensor3d([0.3, -7], [2, 1, 1]);
      const rows = (t: Tensor) => minMaxRows(t as Tensor3D);
      assert.deepEqual([...rows(x).dataSync()], [0, 0]);
      assert.deepEqual(slope(rows, x, [5, -2]), [0, 0]);
    });
  });
}
