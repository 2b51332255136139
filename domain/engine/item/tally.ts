import type { WireError } from '../../errors.js';
import { addItem, zeroCounts, type Counts, type CountedItem } from './counts.js';

/** A failed item, for messages and displays. */
export interface FailedItem {
  stage: string;
  key: string;
  step?: string;
  error: WireError;
}

/** The state of a stage's items: their counts and the first few failures. */
export interface Tally {
  counts: Counts;
  failures: FailedItem[];
}

const SHOWN_FAILURES = 5;

/** The properties of an ended item that a tally uses. */
export interface TalliedItem extends CountedItem {
  key: string;
  step?: string;
  /** The error, for a failed item. */
  error?: WireError;
}

export function newTally(total = 0): Tally {
  return { counts: zeroCounts(total), failures: [] };
}

export function addToTally({ counts, failures }: Tally, stage: string, item: TalliedItem): void {
  addItem(counts, item);
  const { key, step, error } = item;
  if (error === undefined || failures.length >= SHOWN_FAILURES) return;
  failures.push({ stage, key, ...(step === undefined ? {} : { step }), error });
}
