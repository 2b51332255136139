import type { WireError } from '../../errors.js';
import { addItem, zeroCounts, type Counts, type CountedItem } from './counts.js';

/** A failed item as messages and displays show it. */
export interface FailedItem {
  stage: string;
  key: string;
  step?: string;
  error: WireError;
}

/** The items of a stage so far: their counts, and the first few failures. */
export interface Tally {
  counts: Counts;
  failures: FailedItem[];
}

const SHOWN_FAILURES = 5;

/** An item that has ended, as far as a tally needs it. */
export interface TalliedItem extends CountedItem {
  key: string;
  step?: string;
  /** Of a failed one. */
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
