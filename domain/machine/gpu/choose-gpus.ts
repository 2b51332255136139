import { SamMilError } from '../../errors.js';
import { nameGpus, type Gpu } from './gpu.js';
import type { GpuList } from './nvidia-smi.js';

/** `all`: every GPU that is visible, if there is one. A list: these, by index or UUID. */
export type GpuChoice = 'all' | readonly string[];

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The GPUs that CUDA shows a program in this environment, in the order of `CUDA_VISIBLE_DEVICES`. Like CUDA,
 * it ignores the rest of that list after the first entry that names no GPU. Its indexes are taken to be those
 * of nvidia-smi; CUDA agrees where all GPUs are of one model or `CUDA_DEVICE_ORDER` is `PCI_BUS_ID`.
 */
export function visibleGpus(gpus: readonly Gpu[], environment: Environment = process.env): Gpu[] {
  const setting = environment.CUDA_VISIBLE_DEVICES;
  if (setting === undefined) return [...gpus];
  const visible: Gpu[] = [];
  for (const entry of setting.split(',')) {
    // Of a divided GPU, CUDA shows only the first instance.
    const gpu = gpusNamed(gpus, entry.trim()).at(0);
    if (gpu === undefined) break;
    if (!visible.includes(gpu)) visible.push(gpu);
  }
  return visible;
}

/**
 * The chosen ones of the visible GPUs, in the order of the choice.
 * @throws SamMilError InvalidInput if a GPU of the list does not exist or is hidden
 */
export function chooseGpus(
  { gpus, problem }: GpuList,
  choice: GpuChoice,
  environment: Environment = process.env,
): Gpu[] {
  const visible = visibleGpus(gpus, environment);
  if (choice === 'all') return environment.SAM_MIL_GPU === '0' ? [] : visible;
  const chosen = choice.flatMap((entry) => {
    const named = gpusNamed(gpus, entry);
    const usable = named.filter((gpu) => visible.includes(gpu));
    if (usable.length > 0) return usable;
    const hidden = named.length > 0;
    throw new SamMilError(
      'InvalidInput',
      hidden ? `GPU ${entry} is hidden from this process` : `this machine has no GPU ${entry}`,
      {
        expected: `GPUs of this machine: ${nameGpus(hidden ? visible : gpus)}`,
        found: hidden ? `CUDA_VISIBLE_DEVICES=${environment.CUDA_VISIBLE_DEVICES}` : problem,
        next: '`npx sam-mil doctor` lists the GPUs; name them as in --gpus 0,1',
      },
    );
  });
  return [...new Set(chosen)];
}

/** All instances of a divided GPU, if the entry names the GPU. */
function gpusNamed(gpus: readonly Gpu[], entry: string): Gpu[] {
  if (/^\d+(:\d+)?$/.test(entry)) {
    return gpus.filter(({ index }) => index === entry || index.startsWith(`${entry}:`));
  }
  // As in CUDA, the start of a UUID is enough if no other GPU has it.
  if (!/^(GPU|MIG)-./.test(entry)) return [];
  const exact = gpus.filter(({ uuid }) => uuid === entry);
  if (exact.length > 0) return exact;
  const starting = gpus.filter(({ uuid }) => uuid?.startsWith(entry));
  const parts = gpus.filter(({ parent }) => parent?.startsWith(entry));
  return new Set([...starting.map(({ uuid }) => uuid), ...parts.map(({ parent }) => parent)]).size === 1
    ? [...starting, ...parts]
    : [];
}
