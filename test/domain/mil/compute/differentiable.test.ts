import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  openBackend,
  tf,
  type Scalar,
  type Tensor,
  type Tensor1D,
} from '../../../../domain/mil/compute/backend.js';
import { differentiable } from '../../../../domain/mil/compute/differentiable.js';
import { differentiate } from '../../../../domain/mil/compute/differentiate.js';
import { tapeEngine } from '../../../../domain/mil/compute/tensorflow-internals.js';

/**
 * x² + b with an optional b and a gradient that is three times too large, which shows which gradient was
 * used.
 */
function square(x: Tensor1D, b?: Tensor1D): Tensor1D {
  return differentiable([x, b], (save) => {
    save([x]);
    const squared = tf.mul<Tensor1D>(x, x);
    return {
      value: b === undefined ? squared : tf.add(squared, b),
      gradient: (dy, [x]) => [tf.mul(dy, tf.mul(x, 6)), b && tf.clone(dy)],
    };
  });
}

function failing(x: Tensor1D): Tensor1D {
  return differentiable([x], (save): { value: Tensor1D; gradient: () => Tensor[] } => {
    save([x]);
    tf.mul(x, x);
    throw new RangeError('in the middle');
  });
}

for (const backend of ['tensorflow', 'js'] as const) {
  test(`a function with its own gradient, on ${backend}`, async (context) => {
    await openBackend(backend);
    const x = tf.tensor1d([1, -2, 3]);
    const b = tf.tensor1d([1, 1, 1]);
    const before = tf.memory();
    const unchanged = () => {
      const { numTensors, numDataBuffers } = tf.memory();
      assert.deepEqual([numTensors, numDataBuffers], [before.numTensors, before.numDataBuffers]);
      const { kernelDepth, gradientDepth, activeTape } = tapeEngine(tf).state;
      assert.deepEqual([kernelDepth, gradientDepth, activeTape ?? null], [0, 0, null]);
    };

    await context.test('returns the value and keeps no tensors if nothing is recorded', () => {
      const y = square(x, b);
      assert.deepEqual([...y.dataSync()], [2, 5, 10]);
      y.dispose();
      unchanged();
    });

    await context.test('uses its own gradient instead of that of its inner operations', () => {
      const f = () => tf.sum<Scalar>(tf.mul(square(x, b), 2));
      const { loss, gradients } = differentiate(f, ['x', 'b'], { x, b });
      assert.equal(loss.dataSync()[0], 34);
      assert.deepEqual([...gradients.x.dataSync()], [12, -24, 36]);
      assert.deepEqual([...gradients.b.dataSync()], [2, 2, 2]);
      tf.dispose([loss, gradients.x, gradients.b]);
      unchanged();
    });

    await context.test('a nested function is part of the outer one', () => {
      const outer = (x: Tensor1D) =>
        differentiable([x], () => ({ value: square(x), gradient: (dy) => [tf.mul(dy, 5)] }));
      const { loss, gradients } = differentiate(() => tf.sum(outer(x)), ['x'], { x });
      assert.deepEqual([...gradients.x.dataSync()], [5, 5, 5]);
      tf.dispose([loss, gradients.x]);
      unchanged();
    });

    await context.test('an error leaves no tensors behind, recorded or not', () => {
      assert.throws(() => failing(x), /in the middle/);
      unchanged();
      const f = () => tf.sum<Scalar>(failing(square(x, b)));
      assert.throws(() => differentiate(f, ['x'], { x }), /in the middle/);
      unchanged();
    });

    tf.dispose([x, b]);
  });
}
