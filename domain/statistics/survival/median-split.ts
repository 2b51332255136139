import { SamMilError } from '../../errors.js';
import { median } from '../median.js';
import type { Numbers } from '../ranking.js';
import { checkRisks, type FollowUp } from './follow-up.js';
import { logRank, type LogRank } from './log-rank.js';

/** Low (group 0) and high (group 1) predicted risk. */
export interface RiskSplit {
  threshold: number;
  /** 1 where the risk is above the threshold, else 0. */
  high: Uint8Array;
  logRank: LogRank;
}

/**
 * Threshold between low and high risk: the median of risks, for an even number the mean of the two middle
 * ones.
 * @param risks of the training set, or pooled out-of-fold risks; never those that are split
 * @throws SamMilError InvalidInput if there are none, or one is not finite
 */
export function riskThreshold(risks: Numbers): number {
  const threshold = median(risks);
  if (Number.isFinite(threshold) && Array.from(risks).every(Number.isFinite)) return threshold;
  throw new SamMilError('InvalidInput', 'a risk threshold requires finite training risks', {
    found: risks.length === 0 ? 'none' : `a risk that is not finite among ${risks.length}`,
  });
}

/** 1 where the risk is above the threshold; a risk equal to it is low. */
export function aboveThreshold(risks: Numbers, threshold: number): Uint8Array {
  return Uint8Array.from(risks, (risk) => (risk > threshold ? 1 : 0));
}

/**
 * Splits patients by predicted risk and tests whether their survival differs.
 * @param threshold of {@link riskThreshold}
 * @throws SamMilError CountMismatch, InvalidInput
 */
export function splitByRisk(followUp: FollowUp, risks: Numbers, threshold: number): RiskSplit {
  checkRisks(followUp, risks);
  const high = aboveThreshold(risks, threshold);
  return { threshold, high, logRank: logRank(followUp, high, 2) };
}
