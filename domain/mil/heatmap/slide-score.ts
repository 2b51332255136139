import type { Prediction } from '../models/predict.js';
import { riskOf } from '../targets/risk.js';
import type { Target } from '../targets/target.js';

/**
 * What a model predicts for the whole slide, by the name of the output: `probability` (of the shown class or,
 * with attention, of the last one), `risk`, `log-hazard` or `predicted`. Empty: not defined.
 */
export type SlideScore = Partial<Record<'probability' | 'risk' | 'log-hazard' | 'predicted', number>>;

/** @param column index of the shown class; -1 with attention */
export function slideScore(
  { logits, probabilities }: Pick<Prediction, 'logits' | 'probabilities'>,
  target: Target,
  column: number,
): SlideScore {
  if (target.endpoint === 'regression') return { predicted: logits[0] };
  if (target.endpoint === 'survival') {
    return target.head === 'cox' ? { 'log-hazard': logits[0] } : { risk: riskOf(logits, target) };
  }
  return { probability: probabilities[column < 0 ? probabilities.length - 1 : column] };
}

/**
 * Mean over checkpoints. Log hazards have no common scale, so that several of them have no mean here; see
 * `mil.predict`.
 */
export function meanOfSlideScores(scores: readonly SlideScore[]): SlideScore {
  const [[name]] = Object.entries(scores[0]);
  if (name === 'log-hazard' && scores.length > 1) return {};
  const sum = scores.flatMap((one) => Object.values(one)).reduce<number>((total, value) => total + value, 0);
  return { [name]: sum / scores.length };
}
