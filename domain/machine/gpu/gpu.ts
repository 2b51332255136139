/** A GPU that work can be assigned to: a whole one, or a MIG instance of one. */
export interface Gpu {
  /** In the order of nvidia-smi: `0`, or `0:1` for the MIG instance 1 of GPU 0. */
  index: string;
  /** `GPU-...` or `MIG-...`. Absent if neither nvidia-smi nor the driver tells it. */
  uuid?: string;
  /** UUID of the GPU that a MIG instance is part of. */
  parent?: string;
  name: string;
  /** Bytes. Absent for a MIG instance, and where it is not known. */
  memory?: number;
  driver?: string;
}

/** What a step used of the GPU that it was assigned. What was not measured is absent. */
export interface GpuUse extends Pick<Gpu, 'index' | 'uuid' | 'name'> {
  /** Largest memory of the step's processes in bytes. */
  memory?: number;
  /** Largest memory in use on the whole GPU, by any process, in bytes. */
  inUse?: number;
  /** Mean utilization of the whole GPU, in percent. */
  utilization?: number;
}

/** The name that CUDA knows it by. A UUID stays the same when another GPU fails or is added. */
export function cudaName({ uuid, index }: Gpu): string {
  return uuid ?? index;
}

/** `0 (NVIDIA H100 80GB HBM3), 1 (NVIDIA A100-SXM4-40GB)` */
export function nameGpus(gpus: readonly Gpu[]): string {
  return gpus.map(({ index, name }) => `${index} (${name})`).join(', ') || 'none';
}
