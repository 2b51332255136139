import type { Receipt } from '../../../engine/store/receipt-record.js';
import type { StepResources, StepWarning } from './report-data.js';

/** A finished step that results of the run are based on. It may have run in an earlier run. */
export interface StepFact {
  stage: string;
  item: string;
  step: string;
  receipt: Receipt;
}

/** Warnings of all steps, equal ones together, in order of first appearance. */
export function collectWarnings(steps: readonly StepFact[]): StepWarning[] {
  const warnings = new Map<string, StepWarning>();
  for (const { stage, item, step, receipt } of steps) {
    for (const text of receipt.made.warnings ?? []) {
      const id = JSON.stringify([stage, step, text]);
      const warning = warnings.get(id) ?? {
        ...{ stage, step, text },
        activity: receipt.ingredients.activity,
        items: [],
      };
      warning.items.push(item);
      warnings.set(id, warning);
    }
  }
  return [...warnings.values()];
}

/** Time, memory and devices of each step of each stage, in the order of the plan. */
export function collectResources(steps: readonly StepFact[]): StepResources[] {
  const rows = new Map<string, StepResources>();
  for (const { stage, step, receipt } of steps) {
    const { seconds, memory = null, devices = [], host } = receipt.made;
    const id = JSON.stringify([stage, step]);
    const row = rows.get(id) ?? {
      ...{ stage, step, items: 0, total: 0, longest: 0, memory: null },
      devices: [],
      hosts: [],
    };
    rows.set(id, {
      ...row,
      items: row.items + 1,
      total: row.total + seconds,
      longest: Math.max(row.longest, seconds),
      memory: memory === null ? row.memory : Math.max(memory, row.memory ?? 0),
      devices: [...new Set([...row.devices, ...devices])].sort(),
      hosts: [...new Set([...row.hosts, host])].sort(),
    });
  }
  return [...rows.values()];
}
