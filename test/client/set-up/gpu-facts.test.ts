import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examineGpus } from '../../../client/set-up/gpu-facts.js';
import { gpuLine, StandInSmi, UUIDS } from '../../support/nvidia-smi.js';
import { setVariables } from '../../support/variables.js';

test('each GPU is listed with name, memory, driver, and with what runs on it or why not', async (context) => {
  StandInSmi.install(context, { gpus: [gpuLine(0), gpuLine(1, { memory: '[N/A]', driver: '550.54.15' })] });
  setVariables(context, { CUDA_VISIBLE_DEVICES: '1' });
  const [first, second] = await examineGpus();
  assert.deepEqual(first, {
    name: 'gpu',
    state: 'ok',
    text: '0: NVIDIA H100 80GB HBM3, 79.6 GiB, driver 580.82.07',
    details: [UUIDS[0], 'not used: CUDA_VISIBLE_DEVICES=1 hides it'],
  });
  // This machine has no GPU: the libraries are really tried, and say why they do not run there.
  assert.equal(second.text, '1: NVIDIA H100 80GB HBM3, driver 550.54.15');
  assert.equal(second.state, 'warning');
  const [uuid, onnx, tensorFlow, driver] = second.details;
  assert.equal(uuid, UUIDS[1]);
  assert.match(onnx, /^ONNX Runtime \(CUDA\): no, .*(not installed|CUDA|library)/);
  assert.match(tensorFlow, /^TensorFlow: no, \S/);
  assert.match(driver, /driver 580 or newer/);
});

test('a machine without a GPU has one line; a driver that does not answer is a warning', async (context) => {
  StandInSmi.install(context, { error: 'No devices were found' });
  const facts = await examineGpus();
  assert.deepEqual(facts, [
    {
      name: 'gpu',
      state: 'warning',
      text: 'no NVIDIA GPU found; steps of the gpu queue run on the CPU',
      details: ['nvidia-smi: No devices were found'],
    },
  ]);
});
