import type { Numbers } from '../../statistics/ranking.js';
import { riskOfCurve } from '../../statistics/survival/hazard-curve.js';
import { curveFromLogits } from './hazard-loss.js';
import type { SurvivalTarget } from './target.js';

/**
 * Risk of one bag; larger means an earlier event. Hazards: minus the sum of the survival after each bin, -K
 * to 0. Cox: the logarithm of the hazard ratio.
 * @param logits [outputs]
 */
export function riskOf(logits: Numbers, target: SurvivalTarget): number {
  return target.head === 'hazard' ? riskOfCurve(curveFromLogits(logits)) : logits[0];
}
