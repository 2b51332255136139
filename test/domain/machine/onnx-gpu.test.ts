import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onnxGpuRequests } from '../../../domain/machine/onnx-gpu.js';
import { onnxRuntimeVersion } from '../../../domain/machine/onnx-runtime.js';

test('the GPU providers have the same version as the runtime', () => {
  const [providers] = onnxGpuRequests();
  assert.deepEqual([providers.package, providers.version], ['onnxruntime-gpu', onnxRuntimeVersion()]);
});

test('only the libraries of the wheels are kept: providers (without a second runtime), CUDA and cuDNN', () => {
  const [providers, ...cuda] = onnxGpuRequests();
  const names = [
    'libonnxruntime_providers_cuda.so',
    'libonnxruntime.so.1.30.0',
    'onnxruntime_pybind11_state.so',
  ];
  const kept = names.map((name) => providers.select(`onnxruntime/capi/${name}`));
  assert.deepEqual(kept, ['libonnxruntime_providers_cuda.so', undefined, undefined]);
  for (const { select } of cuda) {
    assert.equal(select('nvidia/cu13/lib/libcublas.so.13'), 'libcublas.so.13');
    assert.equal(select('nvidia/cudnn/lib/libcudnn.so.9'), 'libcudnn.so.9');
    assert.equal(select('nvidia/cu13/include/cublas.h'), undefined);
  }
});
