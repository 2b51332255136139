import type { StepUse } from './receipt-record.js';

/** One execution of a step. */
export interface StepRecord {
  stage: string;
  step: string;
  seconds: number;
  host: string;
  use: StepUse;
}

/** What the executions of a step used. What was not measured is absent. */
export interface StepResources {
  stage: string;
  step: string;
  items: number;
  /** Seconds: sum and longest. */
  total: number;
  longest: number;
  /** Mean seconds that an execution waited for a slot of a worker. */
  waited?: number;
  /** Processor time in seconds, sum. */
  cpu?: number;
  /** Bytes of the largest process. */
  memory?: number;
  /** Such as `cpu`, `cuda`. */
  devices: string[];
  /** GPUs that work was done on: `GPU 0 NVIDIA H100 80GB HBM3`. */
  gpus: string[];
  /** Largest GPU memory in bytes: that of a step's processes, or of the whole GPU if only that is known. */
  gpuMemory?: number;
  gpuMemoryOf?: 'step' | 'gpu';
  /** Mean utilization of the whole GPU in percent. */
  gpuUtilization?: number;
  patchesPerSecond?: number;
  hosts: string[];
}

/** One row per step, in order of first appearance. Means weigh an execution by its duration. */
export function sumResources(records: readonly StepRecord[]): StepResources[] {
  const steps = new Map<string, StepRecord[]>();
  for (const record of records) {
    const id = JSON.stringify([record.stage, record.step]);
    const known = steps.get(id);
    if (known === undefined) steps.set(id, [record]);
    else known.push(record);
  }
  return [...steps.values()].map(sumStep);
}

function sumStep(records: readonly StepRecord[]): StepResources {
  const [{ stage, step }] = records;
  const seconds = records.map((record) => record.seconds);
  const all = <T>(read: (use: StepUse) => T | undefined) =>
    records.flatMap(({ use, seconds: weight }) => {
      const value = read(use);
      return value === undefined ? [] : [{ value, weight }];
    });
  const waited = all((use) => use.waited).map(({ value }) => ({ value, weight: 1 }));
  const own = all((use) => use.gpu?.memory);
  const inUse = all((use) => (usedGpu(use) ? use.gpu?.inUse : undefined));
  return withoutGaps({
    stage,
    step,
    items: records.length,
    total: sum(seconds),
    longest: seconds.reduce((longest, one) => Math.max(longest, one), 0),
    waited: mean(waited),
    cpu: some(
      all((use) => use.cpu),
      sum,
    ),
    memory: some(
      all((use) => use.memory),
      largest,
    ),
    devices: distinct(all((use) => use.devices).flatMap(({ value }) => value)),
    gpus: distinct(all((use) => (usedGpu(use) ? nameGpu(use) : undefined)).map(({ value }) => value)),
    gpuMemory: some(own.length > 0 ? own : inUse, largest),
    gpuMemoryOf: own.length > 0 ? ('step' as const) : inUse.length > 0 ? ('gpu' as const) : undefined,
    gpuUtilization: mean(all((use) => (usedGpu(use) ? use.gpu?.utilization : undefined))),
    patchesPerSecond: mean(all((use) => use.patchesPerSecond)),
    hosts: distinct(records.map(({ host }) => host)),
  });
}

/** A step may be assigned a GPU and compute on the CPU. Programs do not report their device. */
export function usedGpu({ gpu, devices = [] }: StepUse): boolean {
  return gpu !== undefined && (gpu.memory !== undefined || devices.some((device) => device !== 'cpu'));
}

function nameGpu({ gpu }: StepUse): string | undefined {
  return gpu && `GPU ${gpu.index} ${gpu.name}`;
}

interface Weighed {
  value: number;
  weight: number;
}

function mean(values: readonly Weighed[]): number | undefined {
  const weight = values.reduce((total, one) => total + one.weight, 0);
  if (weight === 0) return undefined;
  const weighed = values.reduce((total, one) => total + one.value * one.weight, 0);
  return Math.round((weighed / weight) * 100) / 100;
}

function some(values: readonly Weighed[], join: (values: number[]) => number): number | undefined {
  return values.length === 0 ? undefined : join(values.map(({ value }) => value));
}

function sum(values: readonly number[]): number {
  return Math.round(values.reduce((total, one) => total + one, 0) * 1000) / 1000;
}

function largest(values: readonly number[]): number {
  return values.reduce((most, one) => Math.max(most, one), 0);
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}

function withoutGaps(row: StepResources): StepResources {
  return Object.fromEntries(
    Object.entries(row).filter(([, value]) => value !== undefined),
  ) as unknown as StepResources;
}
