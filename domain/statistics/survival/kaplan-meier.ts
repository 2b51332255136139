import { Z975 } from '../distributions.js';
import { undefinedBecause, type Estimate } from '../estimate.js';
import type { Numbers } from '../ranking.js';
import { checkFollowUp, countUpTo, riskTable, type FollowUp, type RiskRow } from './follow-up.js';

/** The curve after one distinct time. */
export interface SurvivalRow extends RiskRow {
  /** Probability to survive beyond the time. */
  survival: number;
  /** Greenwood's sum of d / (n (n - d)) over the times at which someone survived. */
  greenwoodSum: number;
  /** survival x sqrt(greenwoodSum). */
  standardError: number;
  /** 95 % interval on the scale of log(-log S); [1, 1] where S = 1 and [0, 0] where S = 0. */
  lower95: number;
  upper95: number;
}

/** S = 1/2 is often reached exactly, up to the rounding of a product. */
const HALF = 0.5 + 1e-12;

/**
 * Survival curve (Kaplan and Meier 1958): S is multiplied by 1 - d / n at each distinct time, d events among
 * n patients at risk. An event at time 0 counts, so that S(0) < 1. Intervals as in lifelines and
 * scikit-survival.
 * @returns one row per distinct time, ascending
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function kaplanMeier(followUp: FollowUp): SurvivalRow[] {
  checkFollowUp(followUp);
  let [survival, greenwoodSum] = [1, 0];
  return riskTable(followUp).map((row) => {
    const { atRisk, events } = row;
    survival *= 1 - events / atRisk;
    if (events < atRisk) greenwoodSum += events / (atRisk * (atRisk - events));
    return {
      ...row,
      survival,
      greenwoodSum,
      standardError: survival * Math.sqrt(greenwoodSum),
      ...logLogInterval(survival, greenwoodSum),
    };
  });
}

function logLogInterval(survival: number, greenwoodSum: number): { lower95: number; upper95: number } {
  if (survival === 0 || survival === 1) return { lower95: survival, upper95: survival };
  const margin = (Z975 * Math.sqrt(greenwoodSum)) / Math.log(survival);
  return { lower95: survival ** Math.exp(-margin), upper95: survival ** Math.exp(margin) };
}

/**
 * S at a time: 1 before the first. Undefined after the last time, unless S is 0 there.
 * @param rows of {@link kaplanMeier}
 */
export function survivalAt(rows: readonly SurvivalRow[], time: number): Estimate {
  const last = rows.at(-1);
  if (last === undefined) return undefinedBecause('there are no patients');
  if (time > last.time && last.survival > 0) {
    return undefinedBecause(`no patient was followed beyond ${last.time}`);
  }
  const reached = countUpTo(
    rows.map((row) => row.time),
    time,
  );
  return { value: reached === 0 ? 1 : rows[reached - 1].survival };
}

/** Median survival: the first time with S <= 1/2. */
export function medianSurvival(rows: readonly SurvivalRow[]): Estimate {
  const row = rows.find(({ survival }) => survival <= HALF);
  if (row !== undefined) return { value: row.time };
  return undefinedBecause(rows.length === 0 ? 'there are no patients' : 'survival stays above 1/2');
}

/** Numbers of patients with a time of at least each of `at`, for the table below a curve. */
export function numbersAtRisk({ times }: Pick<FollowUp, 'times'>, at: Numbers): number[] {
  const ascending = Float64Array.from(times).sort();
  return Array.from(at, (time) => {
    const upTo = countUpTo(ascending, time);
    let first = upTo;
    while (first > 0 && ascending[first - 1] === time) first--;
    return ascending.length - first;
  });
}
