import { isCancellation } from '@temporalio/workflow';
import type { TodoItem } from '../activities/engine/stage-messages.js';
import { doneItem, type ItemResult } from '../domain/engine/item/item-result.js';
import type { ItemInput, StepInput, StepResult } from '../domain/engine/item/step-input.js';
import { walkSteps } from '../domain/engine/item/walk-steps.js';
import type { StagePlan, StepPlan } from '../domain/engine/language/plan/plan.js';
import type { NeedsContext } from '../domain/engine/language/plan/step-context.js';
import { readFailure } from './call-activity.js';

/** What an item needs from its stage to run. */
export interface ItemRun {
  stage: StagePlan;
  needs: NeedsContext;
  input: ItemInput;
  call(step: StepPlan, input: StepInput): Promise<StepResult>;
}

/** How an item ended, and how long the steps that had to run took, in seconds. */
export interface RanItem {
  result: ItemResult;
  seconds: number;
}

/** Runs the remaining steps of an item. Throws only for cancellation: a failure is a result. */
export async function runItem(run: ItemRun, item: TodoItem): Promise<RanItem> {
  const { index, key } = item;
  let cached = true;
  let seconds = 0;
  const end = await walkSteps({ ...run, item }, async (step, input) => {
    const result = await run.call(step, input());
    cached &&= result.cached;
    if (!result.cached) seconds += result.seconds;
    return result;
  });
  if (end.state === 'ended') return { result: doneItem({ index, key }, end, cached), seconds };
  const { step, why } = end;
  if (isCancellation(why)) throw why;
  const where = step === undefined ? {} : { step };
  const error = readFailure(why);
  return {
    result: { index, key, status: 'failed', outputs: {}, steps: [], error, ...where, cached: false },
    seconds,
  };
}
