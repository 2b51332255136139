import assert from 'node:assert/strict';
import { mkdir, mkdtemp, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { withSetUpLock } from '../../../domain/native/setup-lock.js';
import { ensureTensorFlow, locateTensorFlow } from '../../../domain/native/tensorflow.js';
import { tensorFlowRequest, wantedVariant } from '../../../domain/native/tensorflow-wheels.js';
import { runCommand } from '../../../domain/native/run-command.js';

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

test('the set-up lock lets one in at a time and takes over from a dead holder', async () => {
  const lock = join(await mkdtemp(join(tmpdir(), 'sam-mil-lock-')), 'x.lock');
  let inside = 0;
  let most = 0;
  let waited = 0;
  const visit = () =>
    withSetUpLock(
      lock,
      () => waited++,
      async () => {
        most = Math.max(most, ++inside);
        await wait(30);
        inside--;
      },
    );
  await Promise.all([visit(), visit(), visit()]);
  assert.equal(most, 1);
  assert.ok(waited >= 1);

  await mkdir(lock);
  const dead = (await runCommand(process.execPath, ['-p', 'process.pid'])).stdout.trim();
  await writeFile(join(lock, 'holder'), JSON.stringify({ host: hostname(), pid: Number(dead) }));
  const old = new Date(Date.now() - 10_000);
  await utimes(lock, old, old);
  assert.equal(
    await withSetUpLock(
      lock,
      () => undefined,
      async () => 'entered',
    ),
    'entered',
  );
});
