import { hasOnnxGpu } from '../onnx-gpu.js';
import { selectVariant } from '../tensorflow-wheels.js';

/**
 * Whether encoders will run on a GPU of this machine: an NVIDIA driver is loaded, ONNX Runtime's libraries
 * for it are installed, and CUDA_VISIBLE_DEVICES hides no device. Only loading a model shows whether the
 * device works.
 */
export function expectsGpu(environment: NodeJS.ProcessEnv = process.env): boolean {
  const visible = environment.CUDA_VISIBLE_DEVICES;
  if (visible === '' || visible === '-1') return false;
  return selectVariant(environment) === 'gpu' && hasOnnxGpu();
}
