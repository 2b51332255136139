import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ensureTensorFlow, locateTensorFlow } from '../../../domain/machine/tensorflow.js';
import { runCommand } from '../../../domain/machine/run-command.js';
import { tensorFlowRequest, wantedVariant } from '../../../domain/machine/tensorflow-wheels.js';

test('TensorFlow is set up, and asking again costs nothing', { timeout: 600_000 }, async () => {
  const first = await ensureTensorFlow();
  assert.ok(first.gflops > 1, `a matrix product runs at ${first.gflops} GFLOP/s`);
  const start = performance.now();
  assert.deepEqual(await ensureTensorFlow(), first);
  assert.deepEqual(locateTensorFlow(), first);
  assert.ok(performance.now() - start < 200, 'no process is started when all is in place');
});

test('a fresh process loads the addon and computes on the native backend', { timeout: 600_000 }, async () => {
  await ensureTensorFlow();
  const script = `const tf = require('@tensorflow/tfjs-node-gpu');
    console.log(tf.getBackend(), tf.matMul([[1, 2]], [[3], [4]]).dataSync()[0]);`;
  const result = await runCommand(process.execPath, ['-e', script], {
    env: { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2' },
  });
  assert.equal(result.stdout.trim(), 'tensorflow 11', result.stderr);
});

test('the driver or SAM_MIL_GPU decides between the CPU and the GPU libraries', () => {
  assert.equal(wantedVariant({ SAM_MIL_GPU: '1' }), 'gpu');
  assert.equal(wantedVariant({ SAM_MIL_GPU: '0' }), 'cpu');
});

test('of the wheel only the two libraries and the C headers are taken', () => {
  const { select } = tensorFlowRequest('cpu', '/nowhere', () => undefined);
  assert.equal(select('tensorflow/libtensorflow_cc.so.2'), 'lib/libtensorflow_cc.so.2');
  assert.equal(select('tensorflow/include/tensorflow/c/c_api.h'), 'include/tensorflow/c/c_api.h');
  assert.equal(select('tensorflow/include/tsl/platform/ctstring.h'), 'include/tsl/platform/ctstring.h');
  assert.equal(select('tensorflow/python/_pywrap_tfe.so'), undefined);
});
