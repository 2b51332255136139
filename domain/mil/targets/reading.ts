import type { Numbers } from '../../statistics/ranking.js';
import { softmax } from '../compute/host-math.js';
import { curveFromLogits } from './hazard-loss.js';
import { riskOf } from './risk.js';
import type { Target } from './target.js';

/** What a model's outputs for a bag mean. */
export type Reading =
  /** Softmax of the logits, one per class. */
  | { endpoint: 'classification'; probabilities: Float64Array }
  /** `survival`, only of a hazard head: the probability to survive each time bin. */
  | { endpoint: 'survival'; risk: number; survival?: Float64Array }
  | { endpoint: 'regression'; value: number };

/** @param logits outputs of the model for one bag, [outputs] */
export function readingOf(logits: Numbers, target: Target): Reading {
  const { endpoint } = target;
  if (endpoint === 'classification') return { endpoint, probabilities: softmax(logits) };
  if (endpoint === 'regression') return { endpoint, value: logits[0] };
  const survival = target.head === 'hazard' && { survival: curveFromLogits(logits) };
  return { endpoint, risk: riskOf(logits, target), ...survival };
}
