import { SamMilError } from '../../errors.js';
import { quantile } from '../../statistics/bootstrap.js';
import type { Numbers } from '../../statistics/ranking.js';
import { checkFollowUp, countUpTo, type FollowUp } from '../../statistics/survival/follow-up.js';

/** Discrete time for the hazard head, fitted on the training patients of a fold and never again. */
export interface TimeBins {
  /** K - 1 interior edges, ascending. Bins are [a, b); the first starts at 0, the last has no end. */
  edges: number[];
  /**
   * Edges coincide because few events or rounded times give few distinct quantiles. Bins between them stay
   * empty, which does no harm but deserves a warning.
   */
  tied: boolean;
}

/** Patients of one bin. */
export interface BinCount {
  events: number;
  censored: number;
}

/**
 * Interior edges: the quantiles 1/K ... (K-1)/K of the times with an event, linear between neighbors (the
 * bins of MCAT and PORPOISE, but of training patients only).
 * @param training each patient once, however many slides
 * @param bins K, at least 1
 * @throws SamMilError InvalidInput (no event, invalid times or events), CountMismatch
 */
export function fitTimeBins(training: FollowUp, bins: number): TimeBins {
  checkFollowUp(training);
  if (!Number.isInteger(bins) || bins < 1) {
    throw new SamMilError('InvalidInput', 'survival requires at least one time bin', { found: `${bins}` });
  }
  const times = Array.from(training.times).filter((_, i) => training.events[i] === 1);
  if (times.length === 0) {
    throw new SamMilError('InvalidInput', 'time bins require at least one training patient with an event', {
      found: `${training.times.length} training patients, all censored`,
      next: 'check which column and values state the event',
    });
  }
  times.sort((a, b) => a - b);
  const edges = Array.from({ length: bins - 1 }, (_, k) => quantile(times, (k + 1) / bins));
  return { edges, tied: edges.some((edge, k) => k > 0 && edge === edges[k - 1]) };
}

/** Bin of a time, from 0: the number of interior edges that are at most the time. */
export function binOf(time: number, edges: Numbers): number {
  return countUpTo(edges, time);
}

/** Counts events and censored patients of each bin. */
export function countBins({ times, events }: FollowUp, edges: Numbers): BinCount[] {
  const counts = Array.from({ length: edges.length + 1 }, () => ({ events: 0, censored: 0 }));
  for (let i = 0; i < times.length; i++) {
    counts[binOf(times[i], edges)][events[i] === 1 ? 'events' : 'censored']++;
  }
  return counts;
}
