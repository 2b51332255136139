import { ascendingOrder, type Numbers } from '../../statistics/ranking.js';
import type { FollowUp } from '../../statistics/survival/follow-up.js';
import type { Gradient } from './gradient.js';

/** How events at the same time share a risk set. */
export type CoxTies = 'efron' | 'breslow';

/** Events and the other bags at one distinct time. */
interface TimeGroup {
  events: number[];
  censored: number[];
}

/**
 * Cox partial likelihood (Cox 1972). At each event time t with d events D among the bags R with time >= t,
 * those censored at t included: Breslow adds d log(sum of e^z over R), Efron the sum over l < d of
 * log(sum of e^z over R - (l / d) sum of e^z over D); both subtract the z of D. Divided by the number of
 * events; 0 without events, where the step should be skipped. A batch of one bag is always 0.
 *
 * Every risk set has its own log-sum-exp, because one shift by the largest logit of the batch gives infinity
 * in single precision for logits 120 apart. O(n log n + the sum of d).
 *
 * @param logits log hazard z of each bag
 * @param followUp times and events of the bags; times need no unit
 * @param gradient of the same length as the logits; overwritten
 */
export function coxLoss(logits: Numbers, followUp: FollowUp, ties: CoxTies, gradient: Gradient): number {
  gradient.fill(0);
  const groups = groupByTime(followUp);
  const events = groups.reduce((sum, group) => sum + group.events.length, 0);
  if (events === 0) return 0;
  const denominators = new Array<number[]>(groups.length);
  let [loss, later] = [0, -Infinity];
  for (let g = groups.length - 1; g >= 0; g--) {
    const group = groups[g];
    const rest = addAll(later, group.censored, logits);
    const own = addAll(-Infinity, group.events, logits);
    const logs = group.events.map((_, l) => logAdd(rest, own + Math.log(shareOf(l, group, ties))));
    denominators[g] = logs;
    for (const log of logs) loss += log;
    for (const bag of group.events) loss -= logits[bag];
    later = logAdd(rest, own);
  }
  addGradients(logits, groups, denominators, ties, gradient);
  for (let bag = 0; bag < gradient.length; bag++) gradient[bag] /= events;
  return loss / events;
}

/** Share of the tied events that the l-th denominator still counts. */
function shareOf(l: number, { events }: TimeGroup, ties: CoxTies): number {
  return ties === 'efron' ? 1 - l / events.length : 1;
}

/**
 * The gradient of a bag is e^z times the sum of 1 / denominator over the event times it was at risk at (with
 * the share of Efron at its own event), minus 1 for an event. The sums are kept as logarithms.
 */
function addGradients(
  logits: Numbers,
  groups: readonly TimeGroup[],
  denominators: readonly number[][],
  ties: CoxTies,
  gradient: Gradient,
): void {
  let before = -Infinity;
  for (const [g, group] of groups.entries()) {
    let [after, shared] = [before, before];
    for (const [l, log] of denominators[g].entries()) {
      after = logAdd(after, -log);
      shared = logAdd(shared, Math.log(shareOf(l, group, ties)) - log);
    }
    for (const bag of group.censored) gradient[bag] = Math.exp(logits[bag] + after);
    for (const bag of group.events) gradient[bag] = Math.exp(logits[bag] + shared) - 1;
    before = after;
  }
}

function groupByTime({ times, events }: FollowUp): TimeGroup[] {
  const groups: TimeGroup[] = [];
  let last = NaN;
  for (const bag of ascendingOrder(times)) {
    if (times[bag] !== last) groups.push({ events: [], censored: [] });
    last = times[bag];
    groups[groups.length - 1][events[bag] === 1 ? 'events' : 'censored'].push(bag);
  }
  return groups;
}

function addAll(log: number, bags: readonly number[], logits: Numbers): number {
  return bags.reduce((sum, bag) => logAdd(sum, logits[bag]), log);
}

/** log(e^a + e^b). */
function logAdd(a: number, b: number): number {
  const largest = Math.max(a, b);
  return largest === -Infinity ? largest : largest + Math.log1p(Math.exp(-Math.abs(a - b)));
}
