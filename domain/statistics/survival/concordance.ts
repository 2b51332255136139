import { undefinedBecause, type Estimate } from '../estimate.js';
import { ascendingOrder, midranks, type Numbers } from '../ranking.js';
import { eventWeights, type CensoringCurve } from './censoring.js';
import { checkRisks, type FollowUp } from './follow-up.js';

/** Concordance of risks with follow-up, and the pairs behind it. */
export interface Concordance {
  cindex: Estimate;
  concordant: number;
  discordant: number;
  /** Comparable pairs with equal risks; each counts as half concordant. */
  tiedRisk: number;
  comparable: number;
}

/**
 * Concordance index (Harrell 1982): (concordant + tied / 2) / comparable. A pair (i, j) is comparable if i
 * has the event and time_i < time_j, or time_i = time_j and j is censored; it is concordant if risk_i >
 * risk_j. Risks are tied only if they are exactly equal, as in lifelines. O(n log n).
 * @param risks larger means an earlier event
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function harrellConcordance(followUp: FollowUp, risks: Numbers): Concordance {
  checkRisks(followUp, risks);
  const total = { concordant: 0, discordant: 0, tiedRisk: 0, comparable: 0 };
  forEachEvent(followUp, risks, (_, { lower, equal, all }) => {
    total.concordant += lower;
    total.tiedRisk += equal;
    total.discordant += all - lower - equal;
    total.comparable += all;
  });
  const { concordant, tiedRisk, comparable } = total;
  return { ...total, cindex: share(concordant + tiedRisk / 2, comparable, followUp) };
}

/**
 * Concordance index (Uno 2011): as Harrell's, each comparable pair weighted with 1 / G(time_i)^2, which does
 * not depend on the censoring.
 * @param curve of the censoring in the training set
 * @param tau only pairs with time_i < tau count; later patients stay as partners
 * @returns undefined without comparable pairs, or if an event (before tau) is beyond the training times or at
 *   a time where G is 0
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function unoConcordance(
  followUp: FollowUp,
  risks: Numbers,
  curve: CensoringCurve,
  tau = Infinity,
): Estimate {
  checkRisks(followUp, risks);
  const weights = eventWeights(followUp, curve, (time) => time < tau);
  if (weights.value === null) return weights;
  const of = weights.value;
  let [concordant, comparable] = [0, 0];
  forEachEvent(followUp, risks, (i, { lower, equal, all }) => {
    concordant += of[i] ** 2 * (lower + equal / 2);
    comparable += of[i] ** 2 * all;
  });
  return share(concordant, comparable, followUp);
}

function share(part: number, whole: number, { events }: FollowUp): Estimate {
  if (whole > 0) return { value: part / whole };
  if (events.length === 0) return undefinedBecause('there are no patients');
  return undefinedBecause(Array.from(events).includes(1) ? 'no comparable pair' : 'no event');
}

/** Partners of a patient with an event: with a lower risk, with the same risk, and all of them. */
interface Partners {
  lower: number;
  equal: number;
  all: number;
}

/** Calls `found` for each event, from the latest time to the earliest. */
function forEachEvent(
  { times, events }: FollowUp,
  risks: Numbers,
  found: (index: number, partners: Partners) => void,
): void {
  const ranks = midranks(risks).map((rank) => Math.floor(rank));
  const partners = new RankCounts(times.length);
  const order = ascendingOrder(times);
  for (let end = order.length; end > 0;) {
    let start = end - 1;
    while (start > 0 && times[order[start - 1]] === times[order[end - 1]]) start--;
    const group = order.subarray(start, end);
    // Patients censored at the time of an event are its partners; others with an event then are not.
    for (const i of group) if (events[i] === 0) partners.add(ranks[i]);
    for (const i of group) {
      if (events[i] === 0) continue;
      const lower = partners.upTo(ranks[i] - 1);
      found(i, { lower, equal: partners.upTo(ranks[i]) - lower, all: partners.size });
    }
    for (const i of group) if (events[i] === 1) partners.add(ranks[i]);
    end = start;
  }
}

/** Counts of ranks from 1 with sums over prefixes in O(log n) (Fenwick 1994). */
class RankCounts {
  private readonly sums: Uint32Array;
  size = 0;

  constructor(ranks: number) {
    this.sums = new Uint32Array(ranks + 1);
  }

  add(rank: number): void {
    this.size++;
    for (let at = rank; at < this.sums.length; at += at & -at) this.sums[at]++;
  }

  /** Number of added ranks that are at most `rank`. */
  upTo(rank: number): number {
    let sum = 0;
    for (let at = rank; at > 0; at -= at & -at) sum += this.sums[at];
    return sum;
  }
}
