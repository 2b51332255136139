import { SamMilError } from '../../errors.js';
import type { Job } from '../../job.js';
import { loadBag, type BagEntry, type HostBag } from '../bags/bags.js';
import { predict, type LoadedModel, type Prediction } from '../models/predict.js';

/** What a model returns for a slide. */
export type ScoredBag = Pick<Prediction, 'logits' | 'probabilities'> & { key: string };

/**
 * Returns a function that scores slides by key, with one bag in memory at a time, and reports progress across
 * its calls.
 */
export function makeScorer(
  job: Pick<Job<unknown>, 'signal' | 'progress'>,
  model: LoadedModel,
  bags: ReadonlyMap<string, BagEntry>,
  total: number,
): (keys: readonly string[]) => ScoredBag[] {
  let done = 0;
  const score = (key: string): ScoredBag => {
    job.signal.throwIfAborted();
    const bag = loadBag(bags.get(key)!, { groupFeatures: model.groupFeatures });
    const { logits, probabilities } = predicted(model, bag, key);
    job.progress({ unit: 'slides', done: ++done, total });
    return { key, logits, probabilities };
  };
  return (keys) => keys.map(score);
}

function predicted(model: LoadedModel, bag: HostBag, key: string): Prediction {
  try {
    return predict(model, bag);
  } catch (error) {
    throw error instanceof SamMilError ? error.at(`slide "${key}"`) : error;
  }
}
