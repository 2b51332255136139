import type { JsonObject } from '../../json.js';
import { ALL_WELL, evaluateCondition } from '../language/expressions/evaluate.js';
import { evaluateTemplate } from '../language/expressions/template.js';
import type { StagePlan, StepPlan } from '../language/plan/plan.js';
import { contextOf, outputsOf, type ItemContext, type NeedsContext } from '../language/plan/step-context.js';
import type { ItemInput, StepInput, StepResult } from './step-input.js';

/** An item before its steps. */
export interface ItemWalk {
  stage: StagePlan;
  needs: NeedsContext;
  /** Steps whose outputs it has already are behind it. */
  item: ItemContext;
  input: ItemInput;
}

/** How far an item came. */
export type WalkEnd = EndedWalk | StoppedWalk;

export interface EndedWalk {
  state: 'ended';
  outputs: JsonObject;
  /** A step ended the item on purpose; its reason. */
  skip?: string;
  /** Every step's `if` left the item out. */
  idle?: true;
}

export interface StoppedWalk {
  state: 'stopped';
  /** The step it stopped at; undefined where the stage's `outputs` cannot be evaluated. */
  step?: string;
  /** What the visitor returned or threw, or the error of an expression. */
  why: unknown;
  /** Outputs of the steps before. */
  steps: Record<string, JsonObject>;
}

/**
 * Looks at a step that its `if` does not leave out. `input` evaluates the step's `with`, and throws where that cannot be done. Returns what the
 * step ended with, or why the item stops here.
 */
export type StepVisitor = (
  step: StepPlan,
  input: () => StepInput,
) => Promise<Pick<StepResult, 'outputs' | 'skip'> | string>;

/**
 * Takes an item through the steps of its stage: which is next, with which input, and how the item ends. What happens at a step is the visitor's.
 * Never throws. Imported by workflows: no Node built-in here, and nothing that differs between two calls.
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
      const context = contextOf(stage, needs, { ...item, steps });
      if (step.if !== undefined && !evaluateCondition(step.if, context, ALL_WELL)) continue;
      const found = await visit(step, () => {
        return { ...input, step: step.id, with: evaluateTemplate(step.with, context) as JsonObject };
      });
      if (typeof found === 'string') return { state: 'stopped', step: at, why: found, steps };
      steps[step.id] = found.outputs;
      if (found.skip !== undefined) return { state: 'ended', outputs: found.outputs, skip: found.skip };
    }
    at = undefined;
    const idle = Object.keys(steps).length === 0 && { idle: true as const };
    return { state: 'ended', outputs: outputsOf(stage, needs, { ...item, steps }), ...idle };
  } catch (error) {
    return { state: 'stopped', step: at, why: error, steps };
  }
}
