import { isCancellation } from '@temporalio/workflow';
import type { ItemResult, TodoItem } from '../activities/engine/stage-messages.js';
import type { StepInput, StepResult } from '../activities/step/step-input.js';
import type { JsonObject } from '../domain/json.js';
import { ALL_WELL, evaluateCondition } from '../domain/engine/language/expressions/evaluate.js';
import type { StagePlan, StepPlan } from '../domain/engine/language/plan/plan.js';
import { contextOf, outputsOf, type NeedsContext } from '../domain/engine/language/plan/step-context.js';
import { evaluateTemplate } from '../domain/engine/language/expressions/template.js';
import { failureOf } from './call-activity.js';

/** What an item needs of its stage to run. */
export interface ItemRun {
  stage: StagePlan;
  needs: NeedsContext;
  /** Everything of a step's input that does not depend on the step. */
  input: Omit<StepInput, 'step' | 'with'>;
  call(step: StepPlan, input: StepInput): Promise<StepResult>;
}

/** Takes an item through the steps that it has not behind it. Never throws but for cancellation: a failure is a result. */
export async function runItem(run: ItemRun, item: TodoItem): Promise<ItemResult> {
  const { stage, needs } = run;
  const steps = { ...item.steps };
  const ended = { index: item.index, key: item.key };
  let cached = true;
  let current: string | undefined;
  try {
    for (const step of stage.steps) {
      if (Object.hasOwn(steps, step.id)) continue;
      current = step.id;
      const context = contextOf(stage, needs, { ...item, steps });
      if (step.if !== undefined && !evaluateCondition(step.if, context, ALL_WELL)) continue;
      const given = evaluateTemplate(step.with, context) as JsonObject;
      const result = await run.call(step, { ...run.input, step: step.id, with: given });
      cached &&= result.cached;
      steps[step.id] = result.outputs;
      if (result.skip !== undefined) {
        return { ...ended, status: 'skipped', outputs: result.outputs, reason: result.skip, cached };
      }
    }
    current = undefined;
    const how = Object.keys(steps).length === 0 ? { cached: false, idle: true as const } : { cached };
    return { ...ended, status: 'done', outputs: outputsOf(stage, needs, { ...item, steps }), ...how };
  } catch (error) {
    if (isCancellation(error)) throw error;
    const step = current === undefined ? {} : { step: current };
    return { ...ended, status: 'failed', outputs: {}, ...failureOf(error), ...step, cached: false };
  }
}
