import { SamMilError } from '../../errors.js';
import { ascendingOrder, type Numbers } from '../ranking.js';

/** What is known of each patient's survival. */
export interface FollowUp {
  /** At least 0, in one unit per data set. */
  times: Numbers;
  /** 1: the event happened at the time. 0: censored, the patient was last seen without the event. */
  events: Numbers;
}

/** The patients at one distinct time. */
export interface RiskRow {
  time: number;
  /** Patients with this time or a later one. */
  atRisk: number;
  events: number;
  censored: number;
}

/**
 * Checks times and events.
 * @throws SamMilError CountMismatch (lengths differ), InvalidInput (a time that is negative or not finite, an
 *   event that is not 0 or 1)
 */
export function checkFollowUp({ times, events }: FollowUp): void {
  checkLength(events, times.length, 'event');
  for (let i = 0; i < times.length; i++) {
    if (!(times[i] >= 0 && times[i] < Infinity)) throw refusal(i, 'a time of at least 0', times[i]);
    if (events[i] !== 0 && events[i] !== 1) throw refusal(i, 'event 1 (happened) or 0 (censored)', events[i]);
  }
}

/**
 * Checks follow-up and one number per patient, such as a risk.
 * @throws SamMilError CountMismatch, InvalidInput (also for a number that is not finite)
 */
export function checkRisks(followUp: FollowUp, risks: Numbers): void {
  checkFollowUp(followUp);
  checkLength(risks, followUp.times.length, 'risk');
  for (let i = 0; i < risks.length; i++) {
    if (!Number.isFinite(risks[i])) throw refusal(i, 'a finite risk', risks[i]);
  }
}

/** @throws SamMilError CountMismatch */
export function checkLength(values: { length: number }, patients: number, name: string): void {
  if (values.length === patients) return;
  throw new SamMilError('CountMismatch', `each patient must have one ${name}`, {
    expected: `${patients}, one per patient`,
    found: `${values.length}`,
  });
}

/** Checks times at which curves are read. @throws SamMilError InvalidInput */
export function checkAscending(times: Numbers): void {
  for (let k = 0; k < times.length; k++) {
    if (Number.isFinite(times[k]) && (k === 0 || times[k] > times[k - 1])) continue;
    throw new SamMilError('InvalidInput', 'the times of a curve must be finite and ascending', {
      found: Array.from(times).join(', '),
    });
  }
}

function refusal(index: number, expected: string, found: number): SamMilError {
  return new SamMilError('InvalidInput', `row ${index} has no valid follow-up`, {
    expected,
    found: `${found}`,
  });
}

/** Counts the patients at each distinct time, in ascending order. Times must be checked. */
export function riskTable({ times, events }: FollowUp): RiskRow[] {
  const rows: RiskRow[] = [];
  let atRisk = times.length;
  for (const i of ascendingOrder(times)) {
    let row = rows.at(-1);
    if (row === undefined || row.time !== times[i]) {
      row = { time: times[i], atRisk, events: 0, censored: 0 };
      rows.push(row);
    }
    row[events[i] === 1 ? 'events' : 'censored']++;
    atRisk--;
  }
  return rows;
}

/** Number of entries of an ascending list that are at most `value`. */
export function countUpTo(ascending: Numbers, value: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ascending[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}
