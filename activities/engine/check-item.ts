import {
  itemInput,
  type ItemInput,
  type ItemScope,
  type StepInput,
} from '../../domain/engine/item/step-input.js';
import { walkSteps, type EndedWalk, type StoppedWalk } from '../../domain/engine/item/walk-steps.js';
import type { Plan, StagePlan, StepPlan } from '../../domain/engine/language/plan/plan.js';
import type { ItemContext, NeedsContext } from '../../domain/engine/language/plan/step-context.js';
import { isItemsRef } from '../../domain/job.js';
import { itemsDifference } from '../../domain/engine/store/explain-items.js';
import type { Place } from '../../domain/engine/store/paths.js';
import { inspectReceipt } from '../../domain/engine/store/receipts.js';
import type { Receipt } from '../../domain/engine/store/receipt-record.js';
import type { EngineContext } from '../step/engine-context.js';
import { prepareKnownStep, prepareStep, type PreparedStep } from '../step/prepare-step.js';
import { mayUse, receiptFault } from '../step/valid-receipt.js';
import { hasCells } from '../step/plan-file.js';

/** What of an item is up to date. */
export type CheckedItem =
  | EndedWalk
  /**
   * `step` needs work, for the reason `why`; `steps` are the outputs of those before it. `fails`: an error in
   * an expression or parameter, which running the step reports.
   */
  | (Pick<StoppedWalk, 'steps'> & { state: 'todo'; step: string; why: string; fails?: true });

/** The reason to run a step without a receipt. */
export const NEVER_RUN = 'it has not run yet';

export interface ItemCheck {
  engine: EngineContext;
  plan: Plan;
  scope: ItemScope;
  needs: NeedsContext;
  /** `known`: unread or changed inputs count as work to do. `read`: they are read, however long it takes. */
  inputs: 'known' | 'read';
  /**
   * Ends attempts that still run at a place whose outputs were found valid, and returns whether there were
   * any. Absent: nothing is written.
   */
  revoke?: (place: Place) => Promise<boolean>;
}

/**
 * Follows an item through its steps as far as they are up to date. An error in an expression or parameter
 * counts as work: running the step reports it.
 */
export async function checkItem(
  check: ItemCheck,
  stage: StagePlan,
  item: Omit<ItemContext, 'steps'>,
): Promise<CheckedItem> {
  const { plan, scope, needs } = check;
  const input = itemInput(scope, stage, item.key, hasCells(plan, stage));
  const walk = { stage, needs, item: { ...item, steps: {} }, input };
  const end = await walkSteps(walk, (step, stepInput) => checkStep(check, input, step, stepInput));
  if (end.state === 'ended') return end;
  const { step = stage.steps[stage.steps.length - 1].id, why, steps } = end;
  if (why instanceof Error) return { state: 'todo', step, why: why.message, steps, fails: true };
  return { state: 'todo', step, why: String(why), steps };
}

/** Returns the step's valid receipt, or why there is none. */
async function checkStep(
  check: ItemCheck,
  item: ItemInput,
  step: StepPlan,
  stepInput: () => StepInput,
): Promise<Receipt | string> {
  const place = { stage: item.stage, item: item.item, step: step.id };
  const found = await inspectReceipt(item.work, place);
  if (found.state !== 'valid') return found.state === 'missing' ? NEVER_RUN : 'its receipt is damaged';
  const receipt = found.value;
  if (!mayUse(receipt, item)) return 'forced';
  const input = stepInput();
  const prepared = await prepare(check, step, input);
  if (!prepared) return 'an input is new or was touched';
  const fault = await receiptFault(check.engine, input, receipt, prepared);
  if (fault !== undefined)
    return check.inputs === 'read' ? nameItems(fault, input, receipt, prepared) : fault;
  // Its outputs may have been replaced since they were checked; the step's own attempt checks them again.
  const disturbed = await check.revoke?.(place);
  return disturbed === true ? 'an attempt that was cut off still ran' : receipt;
}

/** Adds to the difference of a list of items which of them differ. */
async function nameItems(
  fault: string,
  { work, with: parameters }: StepInput,
  { ingredients, made }: Receipt,
  { ingredients: now }: PreparedStep,
): Promise<string> {
  for (const [place, { digest, name }] of Object.entries(now.inputs).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const before = ingredients.inputs[place];
    const items = parameters[place];
    if (name !== '' || before === undefined || before.digest === digest || !isItemsRef(items)) continue;
    if (!fault.startsWith(`input ${place} `)) continue;
    const difference = await itemsDifference(work, made.run, before.digest, items);
    if (difference !== undefined) return `${fault}: ${difference}`;
  }
  return fault;
}

function prepare(
  { engine, inputs }: ItemCheck,
  { uses }: StepPlan,
  input: StepInput,
): Promise<PreparedStep | undefined> {
  const prepareFrom = inputs === 'read' ? prepareStep : prepareKnownStep;
  return prepareFrom(engine, engine.registry.require(uses), input);
}
