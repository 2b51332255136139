import { SamMilError } from '../../errors.js';
import { tf } from '../compute/backend.js';
import type { Model } from '../models/model.js';
import type { Bag } from '../bags/bag.js';
import type { HeadLoss } from '../targets/head.js';
import type { Outcome, Target } from '../targets/target.js';
import { lossOfBags, scoreBags, type ScoredLogits } from '../targets/validation-score.js';
import type { Weights } from '../compute/parameters.js';

/** A bag with its name and what is known of it. */
export interface ScoredBag {
  key: string;
  bag: Bag;
  outcome: Outcome;
}

export interface Validation {
  /** See {@link scoreBags}. */
  score?: number;
  /** See {@link lossOfBags}. */
  loss?: number;
}

/**
 * The model's outputs for a bag, without dropout.
 * @throws SamMilError InvalidInput naming the bag for which the model returns NaN
 */
export function bagLogits(
  model: Model,
  weights: Weights,
  { key, bag }: Pick<ScoredBag, 'key' | 'bag'>,
): Float32Array {
  const output = tf.tidy(() => model.infer(weights, bag).logits);
  const logits = Float32Array.from(output.dataSync());
  output.dispose();
  if (logits.every(Number.isFinite)) return logits;
  throw new SamMilError('InvalidInput', `the model returned logits that are not finite for bag "${key}"`, {
    found: logits.join(', '),
    next: 'lower `lr`, or check the features for extreme values',
  });
}

/** Scores a set of bags. */
export async function validate(
  model: Model,
  weights: Weights,
  bags: AsyncIterable<ScoredBag>,
  { target, loss }: { target: Target; loss: HeadLoss },
): Promise<Validation> {
  const scored: ScoredLogits[] = [];
  for await (const bag of bags) {
    scored.push({ logits: bagLogits(model, weights, bag), outcome: bag.outcome });
  }
  const [score, mean] = [scoreBags(scored, target), lossOfBags(scored, target, loss)];
  return { ...(score !== undefined && { score }), ...(mean !== undefined && { loss: mean }) };
}
