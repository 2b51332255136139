import { addItem, zeroCounts, type Counts, type CountedItem } from './counts.js';

/** A failed item as messages and displays show it. */
export interface FailedItem {
  stage: string;
  key: string;
  step?: string;
  /** Failure type such as `CorruptSlide`. */
  code: string;
  reason: string;
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
  code?: string;
  step?: string;
  reason?: string;
}

export function newTally(total = 0): Tally {
  return { counts: zeroCounts(total), failures: [] };
}

export function addToTally({ counts, failures }: Tally, stage: string, item: TalliedItem): void {
  addItem(counts, item);
  if (item.status === 'failed' && failures.length < SHOWN_FAILURES) failures.push(failedItem(stage, item));
}

function failedItem(stage: string, { key, step, code, reason }: TalliedItem): FailedItem {
  return {
    stage,
    key,
    ...(step === undefined ? {} : { step }),
    code: code ?? 'Internal',
    reason: reason ?? '',
  };
}
