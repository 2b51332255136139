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

/** An item at the start of its walk. */
export interface ItemWalk {
  stage: StagePlan;
  needs: NeedsContext;
  /** Steps whose outputs are in `item.steps` are not visited. */
  item: ItemContext;
  input: ItemInput;
}

export type WalkEnd = EndedWalk | StoppedWalk;

export interface EndedWalk {
  state: 'ended';
  outputs: JsonObject;
  /** A step ended the item on purpose, for this reason. */
  skip?: string;
  /** The `if` of every step left the item out. */
  idle?: true;
}

export interface StoppedWalk {
  state: 'stopped';
  /** The step it stopped at; undefined where the stage's `outputs` cannot be evaluated. */
  step?: string;
  /** The visitor's text or error, or the error of an expression. */
  why: unknown;
  /** Outputs of the steps before. */
  steps: Record<string, JsonObject>;
}

/**
 * Called for each step that its `if` does not leave out. `input` evaluates the step's `with`, and throws the error of an
 * expression. Returns what the step ended with, or the reason why the walk stops here.
 */
export type StepVisitor = (
  step: StepPlan,
  input: () => StepInput,
) => Promise<Pick<StepResult, 'outputs' | 'skip'> | string>;

/**
 * Takes an item through the steps of its stage: decides which step is next, with which input, and how the item ends. The
 * visitor runs or checks the step. Never throws. Imported by workflows: no Node built-in here, and the same calls for the
 * same answers.
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
      if (found.skip !== undefined) return { state: 'ended', outputs: found.outputs, skip: found.skip };
    }
    at = undefined;
    const idle = Object.keys(steps).length === 0 && { idle: true as const };
    return { state: 'ended', outputs: evaluateOutputs(stage, needs, { ...item, steps }), ...idle };
  } catch (error) {
    return { state: 'stopped', step: at, why: error, steps };
  }
}
