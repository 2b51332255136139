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

/** Only `models fetch` uses the token of the Hugging Face hub; code of plugins has no need to see it. */
const HUB_TOKENS = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN'];

export interface ChildSettings {
  /** The GPU that the child computes on. Absent: it sees those that the worker sees. */
  gpu?: Gpu;
  /** The child runs a program that gets chosen variables of the worker, which may be any. */
  programs?: boolean;
}

/**
 * Returns the environment of a child: the worker's own, which overrides these settings, without the token of
 * the hub, and with the assigned GPU.
 */
export function childEnvironment({ gpu, programs = false }: ChildSettings = {}): NodeJS.ProcessEnv {
  const hidden = programs ? [] : HUB_TOKENS;
  const own = Object.entries(process.env).filter(([name]) => !hidden.includes(name));
  const defaults = { ...ALLOCATOR, ...TENSORFLOW, ...CUDA };
  return { ...defaults, ...Object.fromEntries(own), ...(gpu && gpuEnvironment(gpu)) };
}
