import type { BootstrapInterval } from '../../../statistics/bootstrap.js';
import type { Estimate } from '../../../statistics/estimate.js';
import { computeSpread, type Spread } from './summary.js';

/** A metric of the pooled out-of-fold scores. */
export interface PooledMetric {
  /** Over the repeats; null if undefined in all of them, for the reason in `why`. */
  spread: Spread | null;
  /** 95 % bootstrap interval of the mean over the repeats; null if there is none. */
  interval: BootstrapInterval | null;
  why?: string;
}

/** @param estimates one per repeat */
export function pooledMetric(estimates: readonly Estimate[], interval?: BootstrapInterval): PooledMetric {
  const spread = computeSpread(estimates.map(({ value }) => value));
  const [reason] = estimates.flatMap((estimate) => (estimate.value === null ? [estimate.why] : []));
  // An interval of zero width would claim more than a few slides can show.
  const shown = spread === null || interval === undefined || interval.low === interval.high ? null : interval;
  return { spread, interval: shown, ...(spread === null && reason !== undefined ? { why: reason } : {}) };
}
