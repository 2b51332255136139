import { faultText, firstDifference } from '../../domain/engine/store/explain.js';
import { checkOutputs } from '../../domain/engine/store/receipts.js';
import type { Receipt } from '../../domain/engine/store/receipt-record.js';
import type { StepInput } from '../../domain/engine/item/step-input.js';
import type { DigestCache } from '../../domain/engine/store/digest-cache.js';
import type { ActivityDefinition } from '../define/define-activity.js';
import type { EngineContext } from './engine-context.js';
import type { PreparedStep } from './prepare-step.js';

/**
 * Whether the run accepts a receipt. If the work is forced, it accepts only receipts that it has written
 * itself.
 */
export function mayUse(receipt: Receipt, { force, run }: Pick<StepInput, 'force' | 'run'>): boolean {
  return !force || receipt.made.run === run;
}

/**
 * Returns why the receipt at the step's place is not valid for the step as it would run now; undefined if it
 * is valid.
 */
export async function receiptFault(
  engine: EngineContext,
  input: StepInput,
  receipt: Receipt,
  { key, ingredients, definition }: PreparedStep,
): Promise<string | undefined> {
  const { work, folder } = input;
  if (receipt.folder !== folder) return `its outputs are in ${receipt.folder}`;
  if (receipt.key !== key) {
    return firstDifference(receipt.ingredients, ingredients) ?? 'it was made under another key';
  }
  const cache = engine.digests(work);
  const { fault, files } = await checkOutputs(work, receipt, (path) => cache.digest(path));
  if (fault) return faultText(fault);
  const outside = await outsideFault(definition, work, receipt, cache);
  if (outside === undefined) cache.rememberOutputs(files);
  return outside;
}

/**
 * Returns why what a step wrote outside the work folder is no longer valid; undefined if it is valid, or if
 * the step writes nothing there.
 */
export async function outsideFault(
  definition: ActivityDefinition,
  work: string,
  { ingredients, outputs }: Receipt,
  cache: DigestCache,
): Promise<string | undefined> {
  const digest = (path: string) => cache.digest(path);
  return definition.outsideFault?.({ work, with: ingredients.with, outputs, digest });
}
