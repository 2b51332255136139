import type { Gpu } from '../../domain/machine/gpu/gpu.js';
import { gpuEnvironment } from '../../domain/machine/gpu/gpu-slots.js';

/**
 * Settings of glibc's allocator in a child. By default it returns freed blocks above an adaptive size to the
 * system, and a training step frees and allocates the same few megabytes dozens of times: returned blocks
 * come back zeroed, one page fault at a time. Fixed sizes keep them, which makes a step of AB-MIL a tenth
 * faster; a child may use some hundred MB more between jobs. Other allocators ignore these variables.
 */
const ALLOCATOR = {
  // The largest value that every glibc accepts; larger blocks are still mapped one by one.
  MALLOC_MMAP_THRESHOLD_: String(32 * 2 ** 20),
  MALLOC_TRIM_THRESHOLD_: String(256 * 2 ** 20),
};

/** By default, TensorFlow takes all memory of every GPU that it sees. */
const TENSORFLOW = { TF_FORCE_GPU_ALLOW_GROWTH: 'true' };

/**
 * Since Ampere, CUDA's libraries may round the operands of float32 products to ten bits of mantissa (TF32),
 * and ONNX Runtime's provider asks them to. Results in float32 would then differ from the CPU's in the third
 * digit; `precision: fp16` is the way to faster encoders.
 */
const CUDA = { NVIDIA_TF32_OVERRIDE: '0' };

/**
 * Returns the environment of a child: the worker's own, which overrides these settings, and the GPU that the
 * child computes on, if it was assigned one.
 */
export function childEnvironment(gpu?: Gpu): NodeJS.ProcessEnv {
  return { ...ALLOCATOR, ...TENSORFLOW, ...CUDA, ...process.env, ...(gpu && gpuEnvironment(gpu)) };
}
