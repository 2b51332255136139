import { SamMilError } from '../../errors.js';
import { tf } from '../compute/backend.js';
import { softmax } from '../compute/host-math.js';
import { oneVersusRestAuc } from '../../statistics/classes/class-ranking.js';
import { auc } from '../../statistics/ranking.js';
import type { Model } from '../models/model.js';
import type { Bag } from '../bags/bag.js';
import { labelOf, outputsOf, type Outcome, type Target } from '../targets/target.js';
import type { Weights } from '../compute/parameters.js';

/** A bag with its name and what is known of it. */
export interface ScoredBag {
  key: string;
  bag: Bag;
  outcome: Outcome;
}

export interface Validation {
  /**
   * Area under the ROC curve; with more than two classes, the mean of the AUCs of each class against the
   * rest. NaN where a class is missing, because epochs must be compared on every class.
   */
  auc: number;
  /** Mean cross-entropy. */
  loss: number;
}

/**
 * Class probabilities of a bag, without dropout.
 * @throws SamMilError InvalidInput naming the bag for which the model returns NaN
 */
export function bagProbabilities(
  model: Model,
  weights: Weights,
  { key, bag }: Pick<ScoredBag, 'key' | 'bag'>,
): Float64Array {
  const output = tf.tidy(() => model.infer(weights, bag).logits);
  const logits = output.dataSync();
  output.dispose();
  if (!logits.every(Number.isFinite)) {
    throw new SamMilError('InvalidInput', `the model returned logits that are not finite for bag "${key}"`, {
      found: logits.join(', '),
      next: 'lower `lr`, or check the features for extreme values',
    });
  }
  return softmax(logits);
}

/** Scores a set of bags. Of two classes, the last is the positive one. */
export async function validate(
  model: Model,
  weights: Weights,
  bags: AsyncIterable<ScoredBag>,
  target: Target,
): Promise<Validation> {
  const classes = outputsOf(target);
  const probabilities: Float64Array[] = [];
  const labels: number[] = [];
  let loss = 0;
  for await (const scored of bags) {
    const label = labelOf(scored.outcome);
    const row = bagProbabilities(model, weights, scored);
    probabilities.push(row);
    labels.push(label);
    loss -= Math.log(Math.max(row[label], Number.MIN_VALUE));
  }
  const positive = probabilities.map((row) => row[row.length - 1]);
  return {
    auc: classes === 2 ? auc(positive, labels) : macroAuc(probabilities, labels, classes),
    loss: loss / labels.length,
  };
}

function macroAuc(
  probabilities: readonly Float64Array[],
  labels: readonly number[],
  classes: number,
): number {
  const { auc: perClass, macro } = oneVersusRestAuc({ probabilities, labels, classes });
  return macro.value === null || perClass.some(({ value }) => value === null) ? NaN : macro.value;
}
