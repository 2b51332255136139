import type { JsonObject } from '../../domain/json.js';
import { evaluateCondition, ALL_WELL } from '../../domain/engine/language/expressions/evaluate.js';
import type { Plan, StagePlan, StepPlan } from '../../domain/engine/language/plan/plan.js';
import {
  contextOf,
  outputsOf,
  type ItemContext,
  type NeedsContext,
} from '../../domain/engine/language/plan/step-context.js';
import { evaluateTemplate } from '../../domain/engine/language/expressions/template.js';
import { faultText, firstDifference } from '../../domain/engine/store/explain.js';
import { checkOutputs, readReceipt, type Receipt } from '../../domain/engine/store/receipts.js';
import type { EngineContext } from '../step/engine-context.js';
import { prepareKnownStep, prepareStep, type PreparedStep } from '../step/prepare-step.js';
import type { StepInput } from '../step/step-input.js';
import { counts, outsideFault } from '../step/run-step.js';
import { outputFolder } from './plan-file.js';

/** What of an item stands already. */
export type CheckedItem =
  /** `idle`: every step's `if` left the item out. */
  | { state: 'settled'; outputs: JsonObject; skip?: string; idle?: true }
  /** `step` needs work, for the reason `why`; `steps` are the outputs of those before it. */
  | { state: 'todo'; step: string; why: string; steps: Record<string, JsonObject> };

export interface ItemCheck {
  engine: EngineContext;
  plan: Plan;
  run: string;
  work: string;
  needs: NeedsContext;
  /** Receipts from before this run do not count. */
  force: boolean;
  /** `known`: inputs that were never read, or changed, count as work to do. `read`: they are read, however long it takes. */
  inputs: 'known' | 'read';
}

/** Follows an item through its steps as far as receipts stand. An error in an expression or parameter counts as work: running it will tell. */
export async function checkItem(
  check: ItemCheck,
  stage: StagePlan,
  item: Omit<ItemContext, 'steps'>,
): Promise<CheckedItem> {
  const steps: Record<string, JsonObject> = {};
  for (const step of stage.steps) {
    const current: ItemContext = { ...item, steps };
    const found = await checkStep(check, stage, step, current).catch((error: unknown) => {
      return error instanceof Error ? error.message : String(error);
    });
    if (found === undefined) continue;
    if (typeof found === 'string') return { state: 'todo', step: step.id, why: found, steps };
    steps[step.id] = found.outputs;
    if (found.skip !== undefined) return { state: 'settled', outputs: found.outputs, skip: found.skip };
  }
  try {
    const idle = Object.keys(steps).length === 0 && { idle: true as const };
    return { state: 'settled', outputs: outputsOf(stage, check.needs, { ...item, steps }), ...idle };
  } catch (error) {
    const last = stage.steps[stage.steps.length - 1].id;
    return { state: 'todo', step: last, why: String(error), steps };
  }
}

/** The step's standing receipt; why there is none; or undefined where its `if` leaves it out. */
async function checkStep(
  check: ItemCheck,
  stage: StagePlan,
  step: StepPlan,
  item: ItemContext,
): Promise<Receipt | string | undefined> {
  const context = contextOf(stage, check.needs, item);
  if (step.if !== undefined && !evaluateCondition(step.if, context, ALL_WELL)) return undefined;
  const place = { stage: stage.name, item: item.key, step: step.id };
  const receipt = await readReceipt(check.work, place);
  if (!receipt) return 'it has not run yet';
  if (!counts(receipt, check)) return 'forced';
  const input = stepInput(check, stage, step, item);
  const prepared = await prepare(check, step, input);
  if (!prepared) return 'an input is new or was touched';
  if (receipt.folder !== input.folder) return `its outputs lie in ${receipt.folder}`;
  const difference = firstDifference(receipt.ingredients, prepared.ingredients);
  if (difference !== undefined) return difference;
  const { fault, files } = await checkOutputs(check.work, place, receipt);
  if (fault) return faultText(fault);
  const outside = await outsideFault(
    prepared.definition,
    check.work,
    receipt,
    check.engine.digests(check.work),
  );
  if (outside !== undefined) return outside;
  check.engine.digests(check.work).rememberOutputs(files);
  return receipt;
}

function prepare(check: ItemCheck, step: StepPlan, input: StepInput): Promise<PreparedStep | undefined> {
  const definition = check.engine.registry.require(step.uses);
  const cache = check.engine.digests(check.work);
  return check.inputs === 'read'
    ? prepareStep(definition, input, cache)
    : prepareKnownStep(definition, input, cache);
}

function stepInput(check: ItemCheck, stage: StagePlan, step: StepPlan, item: ItemContext): StepInput {
  return {
    run: check.run,
    work: check.work,
    base: check.plan.base,
    stage: stage.name,
    item: item.key,
    single: stage.source.kind === 'single',
    step: step.id,
    folder: outputFolder(check.plan, stage, item.key),
    with: evaluateTemplate(step.with, contextOf(stage, check.needs, item)) as JsonObject,
    force: check.force,
  };
}

export function isForced(force: readonly string[], stage: string, key: string): boolean {
  return force.includes('*') || force.includes(stage) || force.includes(`${stage}@${key}`);
}
