import type { Progress } from '../../domain/job.js';
import type { JsonObject } from '../../domain/json.js';
import type { GpuSlots } from '../../domain/machine/gpu/gpu-slots.js';
import type { Gpu, GpuUse } from '../../domain/machine/gpu/gpu.js';
import type { Usage } from '../../domain/machine/usage.js';

/** One attempt at a step, as its caller sees it. */
export interface Attempt {
  /** Counts from 1. */
  number: number;
  signal: AbortSignal;
  /** Assigns GPUs to steps. Absent: their processes see all that the worker sees. */
  gpus?: GpuSlots;
  /** Whether the step came by a queue whose steps all get a GPU. */
  gpuQueue?: boolean;
  /** Seconds that the attempt waited for a slot of a worker. Absent if unknown. */
  waited?: number;
  onProgress(report: Progress): void;
  onLog(level: 'info' | 'warn', message: string, facts?: JsonObject): void;
  onUsage?(usage: Usage): void;
  onProcess?(pid: number | undefined): void;
  /** Called when the step gets a GPU, with the seconds that it waited for one. */
  onGpu?(gpu: Gpu, waited: number): void;
  /** Called when it returns the GPU. */
  onGpuUse?(use: GpuUse): void;
}
