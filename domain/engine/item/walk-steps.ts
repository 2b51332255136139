import type { JsonObject } from '../../json.js';
import { ALL_SUCCEEDED, evaluateCondition } from '../language/expressions/evaluate.js';
import { evaluateTemplate } from '../language/expressions/template.js';
import type { StagePlan, StepPlan } from '../language/plan/plan.js';
import {
  buildContext,
  evaluateOutputs,
  type ItemContext,
  type NeedsContext,
} from '../language/plan/step-context.js';
import type { ItemInput, StepInput, StepResult } from './step-input.js';

/** An item before its steps run. */
export interface ItemWalk {
  stage: StagePlan;
  needs: NeedsContext;
  /** Steps whose outputs are already in `item.steps` are not visited. */
  item: ItemContext;
  input: ItemInput;
}

export type WalkEnd = EndedWalk | StoppedWalk;

export interface EndedWalk {
  state: 'ended';
  outputs: JsonObject;
  /** Ids of the steps that took part: those whose `if` was true, up to the one that ended the item. */
  steps: string[];
  /** The reason why a step ended the item on purpose. */
  skip?: string;
  /** The `if` of every step was false. */
  idle?: true;
}

export interface StoppedWalk {
  state: 'stopped';
  /** The step at which the walk stopped; undefined if the stage's `outputs` could not be evaluated. */
  step?: string;
  /** The text or error of the visitor, or the error of an expression. */
  why: unknown;
  /** Outputs of the earlier steps. */
  steps: Record<string, JsonObject>;
}

/**
 * Called for each step whose `if` is true. `input` evaluates the step's `with` and throws the error of an
 * expression. Returns the result of the step, or the reason why the walk stops.
 */
export type StepVisitor = (
  step: StepPlan,
  input: () => StepInput,
) => Promise<Pick<StepResult, 'outputs' | 'skip'> | string>;

/**
 * Walks an item through the steps of its stage: determines the next step, its input, and how the item ends.
 * The visitor runs or checks each step. Never throws. Workflows import this file, so it uses no Node
 * built-ins and is deterministic.
 */
export async function walkSteps(
  { stage, needs, item, input }: ItemWalk,
  visit: StepVisitor,
): Promise<WalkEnd> {
  const steps = { ...item.steps };
  let at: string | undefined;
  try {
    for (const step of stage.steps) {
      if (Object.hasOwn(steps, step.id)) continue;
      at = step.id;
      const context = buildContext(stage, needs, { ...item, steps });
      if (step.if !== undefined && !evaluateCondition(step.if, context, ALL_SUCCEEDED)) continue;
      const found = await visit(step, () => {
        return { ...input, step: step.id, with: evaluateTemplate(step.with, context) as JsonObject };
      });
      if (typeof found === 'string') return { state: 'stopped', step: at, why: found, steps };
      steps[step.id] = found.outputs;
      if (found.skip !== undefined) {
        return { state: 'ended', outputs: found.outputs, steps: Object.keys(steps), skip: found.skip };
      }
    }
    at = undefined;
    const ran = Object.keys(steps);
    const idle = ran.length === 0 && { idle: true as const };
    const outputs = evaluateOutputs(stage, needs, { ...item, steps });
    return { state: 'ended', outputs, steps: ran, ...idle };
  } catch (error) {
    return { state: 'stopped', step: at, why: error, steps };
  }
}
