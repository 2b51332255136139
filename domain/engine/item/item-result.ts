import { errorText, type WireError } from '../../errors.js';
import type { ItemRecord } from '../../job.js';
import type { JsonObject } from '../../json.js';
import type { EndedWalk } from './walk-steps.js';

/** How an item ended in a stage: one line of a results file. Imported by workflows: no Node built-in here. */
export interface ItemResult {
  /** In the manifest. */
  index: number;
  key: string;
  status: ItemRecord['status'];
  outputs: JsonObject;
  /** Why it was skipped. */
  reason?: string;
  /** Of a failed item: what failed, and the step it failed in. */
  error?: WireError;
  step?: string;
  /** No step had to run: every receipt is valid. */
  cached: boolean;
  /** The `if` of every step left the item out. */
  idle?: true;
}

type Item = Pick<ItemResult, 'index' | 'key'>;

/** An item that went through its steps. `cached`: none of them had to run. */
export function doneItem(
  { index, key }: Item,
  { outputs, skip, idle }: Omit<EndedWalk, 'state'>,
  cached: boolean,
): ItemResult {
  if (skip !== undefined) return { index, key, status: 'skipped', outputs, reason: skip, cached };
  return { index, key, status: 'done', outputs, ...(idle ? { cached: false, idle } : { cached }) };
}

/** An item that does not enter a stage, for `reason`. */
export function skippedItem(item: Item, reason: string): ItemResult {
  return doneItem(item, { outputs: {}, skip: reason }, true);
}

/** Why an item that did not end well in `stage` is skipped in the stages after it. */
export function absenceReason(stage: string, ended: Pick<ItemRecord, 'status' | 'reason' | 'error'>): string {
  const { reason } = reasonOf(ended);
  return `${ended.status} in ${stage}${reason === undefined ? '' : `: ${reason}`}`;
}

/** Why an item did not end well: as text, and what failed without the stack. */
function reasonOf({
  reason,
  error,
}: Pick<ItemRecord, 'reason' | 'error'>): Pick<ItemRecord, 'reason' | 'error'> {
  if (error === undefined) return reason === undefined ? {} : { reason };
  const { code, what, facts } = error;
  return { reason: errorText(error), error: { code, what, facts } };
}

/** The result as later stages see it. */
export function itemRecord(
  { key, status, reason, error, outputs }: Omit<ItemResult, 'index' | 'cached'>,
  fields: JsonObject,
): ItemRecord {
  return { key, fields, status, ...reasonOf({ reason, error }), outputs };
}
