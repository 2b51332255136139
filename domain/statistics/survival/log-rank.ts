import { SamMilError } from '../../errors.js';
import { undefinedBecause, type Estimate } from '../estimate.js';
import type { Numbers } from '../ranking.js';
import { chiSquaredUpperTail } from '../tails.js';
import { checkFollowUp, checkLength, riskTable, type FollowUp } from './follow-up.js';

/** Log-rank test of equal survival in all groups. */
export interface LogRank {
  /** By group. */
  sizes: number[];
  observed: number[];
  expected: number[];
  /** Covariance of observed - expected. */
  covariance: number[][];
  /** Groups that are not at risk at any event time. */
  leftOut: number[];
  test: Estimate<{ chiSquared: number; degrees: number; p: number }>;
}

/**
 * Log-rank test (Mantel 1966) of two or more groups. Expected events of a group: sum of d n_k / N over the
 * event times; hypergeometric covariance d (N - d) / (N - 1) n_k / N ([k = l] - n_l / N). A group that is not
 * at risk at any event time is left out and the degrees of freedom fall, as in R's survdiff.
 * @param groups group index of each patient, from 0
 * @param count number of groups
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function logRank(followUp: FollowUp, groups: Numbers, count: number): LogRank {
  checkFollowUp(followUp);
  checkLength(groups, followUp.times.length, 'group');
  const parts = splitByGroup(followUp, groups, count);
  const observed = parts.map(({ events }) => events.filter((event) => event === 1).length);
  const expected = new Array<number>(count).fill(0);
  const covariance = Array.from({ length: count }, () => new Array<number>(count).fill(0));
  const cursors = parts.map(({ times }) => new Descent(times));
  const rows = riskTable(followUp).filter(({ events }) => events > 0);
  for (const { time, atRisk, events } of rows.reverse()) {
    const shares = cursors.map((cursor) => cursor.atRisk(time) / atRisk);
    const factor = atRisk === 1 ? 0 : (events * (atRisk - events)) / (atRisk - 1);
    for (let k = 0; k < count; k++) {
      expected[k] += events * shares[k];
      for (let l = 0; l < count; l++) {
        covariance[k][l] += factor * shares[k] * ((k === l ? 1 : 0) - shares[l]);
      }
    }
  }
  const all = observed.map((_, k) => k);
  const kept = all.filter((k) => expected[k] > 0);
  return {
    sizes: parts.map(({ times }) => times.length),
    observed,
    expected,
    covariance,
    leftOut: all.filter((k) => expected[k] === 0),
    test: testOf(
      kept.map((k) => observed[k] - expected[k]),
      kept.map((k) => kept.map((l) => covariance[k][l])),
    ),
  };
}

function splitByGroup({ times, events }: FollowUp, groups: Numbers, count: number) {
  const parts = Array.from({ length: count }, () => ({ times: [] as number[], events: [] as number[] }));
  for (let i = 0; i < times.length; i++) {
    if (!(groups[i] in parts)) {
      throw new SamMilError('InvalidInput', `row ${i} has an invalid group`, {
        expected: `0 to ${count - 1}`,
        found: `${groups[i]}`,
      });
    }
    parts[groups[i]].times.push(times[i]);
    parts[groups[i]].events.push(events[i]);
  }
  return parts;
}

/** Counts the times that are at least a given one, for calls with falling times. */
class Descent {
  private readonly times: number[];
  private count = 0;

  constructor(times: readonly number[]) {
    this.times = [...times].sort((a, b) => b - a);
  }

  atRisk(time: number): number {
    while (this.count < this.times.length && this.times[this.count] >= time) this.count++;
    return this.count;
  }
}

/** A pivot below this share of its variance is rounding noise of a singular covariance. */
const SINGULAR = 1e-10;

/** u' V^-1 u over all groups but the last, by Cholesky's decomposition. */
function testOf(difference: readonly number[], covariance: readonly number[][]): LogRank['test'] {
  const degrees = difference.length - 1;
  if (degrees < 1) return undefinedBecause('fewer than two groups are at risk at an event time');
  const lower = Array.from({ length: degrees }, () => new Float64Array(degrees));
  const solved = new Float64Array(degrees);
  let chiSquared = 0;
  for (let i = 0; i < degrees; i++) {
    let right = difference[i];
    for (let j = 0; j <= i; j++) {
      let entry = covariance[i][j];
      for (let k = 0; k < j; k++) entry -= lower[i][k] * lower[j][k];
      if (j < i) lower[i][j] = entry / lower[j][j];
      else if (entry <= SINGULAR * covariance[i][i]) return undefinedBecause('the covariance is singular');
      else lower[i][i] = Math.sqrt(entry);
    }
    for (let k = 0; k < i; k++) right -= lower[i][k] * solved[k];
    solved[i] = right / lower[i][i];
    chiSquared += solved[i] ** 2;
  }
  return { value: { chiSquared, degrees, p: chiSquaredUpperTail(chiSquared, degrees) } };
}
