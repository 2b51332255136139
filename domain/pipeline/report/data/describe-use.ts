import type { StepUse } from '../../../engine/store/receipt-record.js';
import { usedGpu } from '../../../engine/store/step-resources.js';
import { duration, memory } from './format-number.js';

/** What a step used, for the title of its bar. What was not measured is left out. */
export function describeUse(use: StepUse): string[] {
  const { gpu, cpu, memory: peak, patchesPerSecond, waited } = use;
  return [
    ...(usedGpu(use) && gpu ? [`GPU ${gpu.index} ${gpu.name}`] : []),
    ...(gpu?.memory === undefined ? [] : [`GPU memory ${memory(gpu.memory)}`]),
    ...(usedGpu(use) && gpu?.utilization !== undefined ? [`GPU utilization ${gpu.utilization} %`] : []),
    ...(patchesPerSecond === undefined ? [] : [`${patchesPerSecond.toFixed(1)} patches/s`]),
    ...(cpu === undefined ? [] : [`CPU time ${duration(cpu)}`]),
    ...(peak === undefined ? [] : [`memory ${memory(peak)}`]),
    ...(waited === undefined ? [] : [`waited ${duration(waited)}`]),
  ];
}
