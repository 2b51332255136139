import { unitOf, type LabeledBag } from '../labels/labeled-bags.js';
import type { LabelTable } from '../labels/label-table.js';

/** Bags with the index of their stratum, and the names of the strata. */
export interface Stratified {
  classes: string[];
  bags: LabeledBag[];
}

/** At most this many quantiles of the times with an event, and of those without. */
const MOST_OF_TIME = 4;
const MOST_OF_VALUE = 10;

interface Patient {
  name: string;
  quantity: number;
  event?: 0 | 1;
}

/**
 * Assigns each patient to a stratum, all of which are spread over the folds: patients with and without the
 * event, each by quantile of time, or quantiles of the value. There are as many quantiles, up to 4 of each
 * and up to 10 of a value, as leave every stratum `folds` patients; equal quantities share a stratum. Each
 * patient counts once. The order of the table does not matter.
 */
export function stratify(bags: readonly LabeledBag[], table: LabelTable, folds: number): Stratified {
  const { quantity = '' } = table;
  const patients = new Map<string, Patient>();
  for (const bag of bags) {
    const { followUp, value = 0 } = table.rows[bag.row];
    const known =
      followUp === undefined ? { quantity: value } : { quantity: followUp.time, event: followUp.event };
    patients.set(unitOf(bag), { name: unitOf(bag), ...known });
  }
  const groups =
    table.endpoint === 'survival'
      ? ([1, 0] as const).map((event) => ({
          event,
          members: [...patients.values()].filter((patient) => patient.event === event),
        }))
      : [{ event: undefined, members: [...patients.values()] }];
  const classes: string[] = [];
  const stratumOf = new Map<string, number>();
  for (const { event, members } of groups) {
    const title = event === undefined ? '' : event === 1 ? 'event, ' : 'censored, ';
    const strata = quantiles(members, event === undefined ? MOST_OF_VALUE : MOST_OF_TIME, folds);
    strata.forEach((stratum, i) => {
      const range = rangeText(stratum.map((patient) => patient.quantity));
      stratum.forEach(({ name }) => stratumOf.set(name, classes.length));
      classes.push(`${title}${quantity} ${range} (${i + 1} of ${strata.length})`);
    });
  }
  return { classes, bags: bags.map((bag) => ({ ...bag, label: stratumOf.get(unitOf(bag)) ?? 0 })) };
}

function quantiles(members: readonly Patient[], most: number, least: number): Patient[][] {
  if (members.length === 0) return [];
  const sorted = [...members].sort((a, b) => a.quantity - b.quantity);
  for (let count = Math.min(most, Math.floor(members.length / least)); count > 1; count--) {
    const strata = cut(sorted, count);
    if (strata.every((stratum) => stratum.length >= least)) return strata;
  }
  return [sorted];
}

/** Cuts by rank. Equal quantities stay with the first of them; a stratum that gets none is left out. */
function cut(sorted: readonly Patient[], count: number): Patient[][] {
  const strata = Array.from({ length: count }, (): Patient[] => []);
  let rank = 0;
  sorted.forEach((patient, i) => {
    if (i > 0 && patient.quantity !== sorted[i - 1].quantity) rank = i;
    strata[Math.floor((rank * count) / sorted.length)].push(patient);
  });
  return strata.filter((stratum) => stratum.length > 0);
}

/** `0.3 to 142`, or the only value. */
export function rangeText(numbers: readonly number[]): string {
  const [low, high] = numbers.reduce(([a, b], x) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity]);
  return low === high ? numberText(low) : `${numberText(low)} to ${numberText(high)}`;
}

/** Four digits are enough to recognize a column. */
export function numberText(value: number): string {
  return Math.abs(value) >= 1000 && Math.abs(value) < 1e9
    ? String(Math.round(value))
    : String(Number(value.toPrecision(4)));
}
