import { existsSync } from 'node:fs';
import { tf } from '../compute/backend.js';
import type { Weights } from '../compute/parameters.js';
import type { TrainingPlan } from './training-plan.js';
import { statePath } from './training-state.js';

/**
 * Whether the weights work for other bags than `key`. If not, an update has damaged them and the previously
 * saved state is better.
 */
export function stillInfers({ train, bags, model }: TrainingPlan, weights: Weights, key: string): boolean {
  const others = train.filter((bag) => bag.key !== key).slice(0, 3);
  return others.some((other) => {
    const bag = bags.get(other.key);
    const logits = tf.tidy(() => model.infer(weights, bag).logits.dataSync());
    return logits.every(Number.isFinite);
  });
}

/** States where the last good weights are. An update may have overflowed before any state was saved. */
export function lastGood(checkpoint: string): string {
  const path = statePath(checkpoint);
  return existsSync(path) ? `the last good weights are in ${path}` : 'no state was saved before';
}
