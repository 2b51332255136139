import { cudaName, type Gpu } from './gpu.js';
import { GpuSampler, type GpuWatch } from './gpu-sampler.js';

/** A GPU for the time of a step. */
export interface GpuSlot {
  gpu: Gpu;
  watch: GpuWatch;
  /** Ends the watch too. Call it when the processes of the step have ended or are idle. */
  release(): void;
}

/** Assigns GPUs to the steps of a worker. The worker takes no more steps at once than there are slots. */
export class GpuSlots {
  readonly gpus: readonly Gpu[];
  /** Number of steps that share a GPU. */
  readonly perGpu: number;
  private readonly used: Map<Gpu, number>;
  private readonly sampler: GpuSampler;

  constructor(gpus: readonly Gpu[], perGpu: number, sampler = new GpuSampler()) {
    this.gpus = gpus;
    this.perGpu = perGpu;
    this.sampler = sampler;
    this.used = new Map(gpus.map((gpu) => [gpu, 0]));
  }

  /** Number of steps that run at once. */
  get size(): number {
    return this.gpus.length * this.perGpu;
  }

  /** Takes a slot of the GPU with the fewest steps, the first of several. */
  take(): GpuSlot {
    const [[gpu, steps]] = [...this.used].sort(([, a], [, b]) => a - b);
    this.used.set(gpu, steps + 1);
    const watch = this.sampler.watch(gpu);
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      watch.end();
      this.used.set(gpu, (this.used.get(gpu) ?? 1) - 1);
    };
    return { gpu, watch, release };
  }

  /** Process ids of the programs that measure. Used by tests. */
  get loops(): number[] {
    return this.sampler.pids;
  }

  close(): void {
    this.sampler.close();
  }
}

/** Variables for a process that computes on this GPU only. */
export function gpuEnvironment(gpu: Gpu): Record<string, string> {
  return { CUDA_DEVICE_ORDER: 'PCI_BUS_ID', CUDA_VISIBLE_DEVICES: cudaName(gpu) };
}
