import { cudaName, type Gpu } from './gpu.js';
import { GpuSampler, type GpuWatch } from './gpu-sampler.js';

/** A GPU for the time of a step. */
export interface GpuSlot {
  gpu: Gpu;
  watch: GpuWatch;
  /** Ends the watch too. Call it when the processes of the step have ended or are idle. */
  release(): void;
}

/** Assigns GPUs to the steps of a worker, whatever their queue. A step waits while every slot is taken. */
export class GpuSlots {
  readonly gpus: readonly Gpu[];
  /** Number of steps that share a GPU. */
  readonly perGpu: number;
  private readonly used: Map<Gpu, number>;
  private readonly sampler: GpuSampler;
  /** Steps that wait, in the order in which they came. */
  private readonly waiting: ((gpu: Gpu) => void)[] = [];

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

  /**
   * Takes a slot of the GPU with the fewest steps, the first of several, as soon as one is free.
   * @throws the signal's reason if it aborts before that
   */
  async take(signal?: AbortSignal): Promise<GpuSlot> {
    signal?.throwIfAborted();
    const gpu = this.takeFree() ?? (await this.nextFree(signal));
    const watch = this.sampler.watch(gpu);
    let released = false;
    const release = () => {
      if (released) return;
      released = true;
      watch.end();
      this.giveBack(gpu);
    };
    return { gpu, watch, release };
  }

  private takeFree(): Gpu | undefined {
    const [[gpu, steps]] = [...this.used].sort(([, a], [, b]) => a - b);
    if (steps >= this.perGpu) return undefined;
    this.used.set(gpu, steps + 1);
    return gpu;
  }

  private nextFree(signal?: AbortSignal): Promise<Gpu> {
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.waiting.splice(this.waiting.indexOf(take), 1);
        reject(signal?.reason as Error);
      };
      const take = (gpu: Gpu) => {
        signal?.removeEventListener('abort', stop);
        resolve(gpu);
      };
      signal?.addEventListener('abort', stop, { once: true });
      this.waiting.push(take);
    });
  }

  /** Hands the slot to the step that waits longest, if any. */
  private giveBack(gpu: Gpu): void {
    const next = this.waiting.shift();
    if (next) next(gpu);
    else this.used.set(gpu, (this.used.get(gpu) ?? 1) - 1);
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
