import { errorText, type WireError } from '../../errors.js';
import type { ItemRecord } from '../../job.js';
import type { JsonObject } from '../../json.js';
import type { EndedWalk } from './walk-steps.js';

/**
 * The result of an item in a stage: one line of a results file. Workflows import this file, so it uses no
 * Node built-ins.
 */
export interface ItemResult {
  /** Index in the manifest. */
  index: number;
  key: string;
  status: ItemRecord['status'];
  outputs: JsonObject;
  /** Ids of the steps whose receipts the result is based on; empty for a failed item. */
  steps: string[];
  /** Why it was skipped. */
  reason?: string;
  /** For a failed item: the error, and the step in which it occurred. */
  error?: WireError;
  step?: string;
  /** No step had to run, because every receipt is up to date. */
  cached: boolean;
  /** The `if` of every step was false. */
  idle?: true;
}

type Item = Pick<ItemResult, 'index' | 'key'>;

/**
 * Result of an item that went through its steps.
 * @param cached none of the steps had to run
 */
export function doneItem(
  { index, key }: Item,
  { outputs, steps, skip, idle }: Omit<EndedWalk, 'state'>,
  cached: boolean,
): ItemResult {
  if (skip !== undefined) return { index, key, status: 'skipped', outputs, steps, reason: skip, cached };
  return { index, key, status: 'done', outputs, steps, ...(idle ? { cached: false, idle } : { cached }) };
}

/** Result of an item that does not enter a stage. */
export function skippedItem(item: Item, reason: string): ItemResult {
  return doneItem(item, { outputs: {}, steps: [], skip: reason }, true);
}

/** The reason of an item that the pipeline excludes. */
export const EXCLUDED = 'excluded: ';

/** The reason of an item that a run continues without. */
export const BY_HAND = 'left out by hand';

/** The reason why later stages skip an item that did not succeed in `stage`. */
export function absenceReason(stage: string, ended: Pick<ItemRecord, 'status' | 'reason' | 'error'>): string {
  const { reason } = failureFields(ended);
  return `${ended.status} in ${stage}${reason === undefined ? '' : `: ${reason}`}`;
}

/** The reason why an item did not succeed, as text, and the error without its stack. */
function failureFields({
  reason,
  error,
}: Pick<ItemRecord, 'reason' | 'error'>): Pick<ItemRecord, 'reason' | 'error'> {
  if (error === undefined) return reason === undefined ? {} : { reason };
  const { code, what, facts } = error;
  return { reason: errorText(error), error: { code, what, facts } };
}

/** Converts a result to the record that later stages read. */
export function itemRecord(
  { key, status, reason, error, outputs }: Omit<ItemResult, 'index' | 'cached' | 'steps'>,
  fields: JsonObject,
): ItemRecord {
  return { key, fields, status, ...failureFields({ reason, error }), outputs };
}
