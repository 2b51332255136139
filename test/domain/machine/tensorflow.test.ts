import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import type { TensorFlow } from '../../../domain/mil/compute/tensorflow-internals.js';
import { requireTensorFlow } from '../../../domain/machine/load-tensorflow.js';
import { ensureTensorFlow, locateTensorFlow } from '../../../domain/machine/tensorflow.js';
import { TFJS_PACKAGE, tensorFlowRequest, selectVariant } from '../../../domain/machine/tensorflow-wheels.js';

test('TensorFlow is set up once, and later calls reuse it', { timeout: 600_000 }, async () => {
  const first = await ensureTensorFlow();
  assert.ok(first.gflops > 1, `a matrix product runs at ${first.gflops} GFLOP/s`);
  const start = performance.now();
  assert.deepEqual(await ensureTensorFlow(), first);
  assert.deepEqual(locateTensorFlow(), first);
  assert.ok(performance.now() - start < 200, 'no process is started when all is in place');
});

test('it computes on the native backend from the cache only', { timeout: 600_000 }, async () => {
  const { folder, packages } = await ensureTensorFlow();
  const tf = requireTensorFlow(packages, TFJS_PACKAGE) as TensorFlow;
  assert.equal(tf.getBackend(), 'tensorflow');
  assert.equal(tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0], 11);
  const addon =
    Object.keys(createRequire(import.meta.url).cache).find((file) => file.endsWith('.node')) ?? '';
  assert.equal(relative(folder, addon), join('lib', 'napi-v8', 'tfjs_binding.node'));
});

test('the driver or SAM_MIL_GPU selects the CPU or the GPU libraries', () => {
  assert.equal(selectVariant({ SAM_MIL_GPU: '1' }), 'gpu');
  assert.equal(selectVariant({ SAM_MIL_GPU: '0' }), 'cpu');
});

test('only the two libraries and the C headers of the wheel are unpacked', () => {
  const { select } = tensorFlowRequest('cpu', '/nowhere', () => undefined);
  assert.equal(select('tensorflow/libtensorflow_cc.so.2'), 'lib/libtensorflow_cc.so.2');
  assert.equal(select('tensorflow/include/tensorflow/c/c_api.h'), 'include/tensorflow/c/c_api.h');
  assert.equal(select('tensorflow/include/tsl/platform/ctstring.h'), 'include/tsl/platform/ctstring.h');
  assert.equal(select('tensorflow/python/_pywrap_tfe.so'), undefined);
});
