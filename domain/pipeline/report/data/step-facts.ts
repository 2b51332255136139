import type { Receipt } from '../../../engine/store/receipt-record.js';
import { sumResources, type StepResources } from '../../../engine/store/step-resources.js';
import type { StepWarning } from './report-data.js';

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
  return sumResources(
    steps.map(({ stage, step, receipt }) => {
      const { seconds, host, ...use } = receipt.made;
      return { stage, step, seconds, host, use };
    }),
  );
}
