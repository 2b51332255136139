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
  /** Why it was skipped or failed. */
  reason?: string;
  /** Of a failure: its type, and the step it happened in. */
  code?: string;
  step?: string;
  /** No step had to run: receipts stand. */
  cached: boolean;
  /** No step was for this item: each one's `if` left it out. */
  idle?: true;
}

type Item = Pick<ItemResult, 'index' | 'key'>;

export function doneItem(
  { index, key }: Item,
  { outputs, skip, idle }: Omit<EndedWalk, 'state'>,
  cached: boolean,
): ItemResult {
  if (skip !== undefined) return { index, key, status: 'skipped', outputs, reason: skip, cached };
  return { index, key, status: 'done', outputs, ...(idle ? { cached: false, idle } : { cached }) };
}

/** An item that does not enter a stage; `reason` says why. */
export function skippedItem(item: Item, reason: string): ItemResult {
  return doneItem(item, { outputs: {}, skip: reason }, true);
}

/** An item that did not end well in `stage` has no successor in later ones; its absence there is recorded with this reason. */
export function absenceReason(
  stage: string,
  { status, reason }: Pick<ItemRecord, 'status' | 'reason'>,
): string {
  return `${status} in ${stage}${reason === undefined ? '' : `: ${reason}`}`;
}

/** The result as the stages after it see it. */
export function itemRecord(
  { key, status, reason, outputs }: Omit<ItemResult, 'index' | 'cached'>,
  fields: JsonObject,
): ItemRecord {
  return { key, fields, status, ...(reason === undefined ? {} : { reason }), outputs };
}
