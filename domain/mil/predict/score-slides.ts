import { SamMilError } from '../../errors.js';
import type { Job } from '../../job.js';
import { loadBag, type BagEntry, type HostBag } from '../bags/bags.js';
import { meanOfFolds, meanOfSoftmax, softmaxOfMeanLogits, spreadOfFolds } from '../combine/ensemble.js';
import { predict, type Prediction } from '../models/predict.js';
import type { Member } from './load-ensemble.js';
import type { PredictWith } from './parameters.js';

/** The class probabilities of an ensemble for one slide. */
export interface SlidePrediction {
  key: string;
  /** [checkpoints][classes] */
  folds: number[][];
  /** [classes], of the ensemble. */
  probabilities: number[];
  /** [classes]: population deviation over the checkpoints. */
  spread: number[];
}

/**
 * Applies every checkpoint to every bag, with one bag in memory at a time.
 * @param combined makes one prediction of those of the checkpoints
 * @param onAttention gets the mean attention over the checkpoints of each bag
 */
export function scoreSlides<Combined>(
  job: Job<PredictWith>,
  members: readonly Member[],
  bags: readonly BagEntry[],
  combined: (outputs: readonly Prediction[]) => Combined,
  onAttention?: (key: string, bag: HostBag, attention: Float64Array) => void,
): ({ key: string } & Combined)[] {
  const { groupFeatures } = members[0].model;
  return bags.map((entry, i) => {
    job.signal.throwIfAborted();
    const { key } = entry;
    const bag = placed(key, () => loadBag(entry, { groupFeatures }));
    const outputs = members.map(({ model, name }) =>
      placed(`${key}" with "${name}`, () => predict(model, bag)),
    );
    if (onAttention !== undefined) {
      onAttention(key, bag, meanOfFolds(outputs.map(({ attention }) => attention)));
    }
    job.progress({ unit: 'slides', done: i + 1, total: bags.length });
    return { key, ...combined(outputs) };
  });
}

/** Combines class probabilities, or logits. */
export function combinedClasses(
  outputs: readonly Prediction[],
  by: 'probabilities' | 'logits',
): Omit<SlidePrediction, 'key'> {
  const folds = outputs.map(({ probabilities }) => [...probabilities]);
  const logits = outputs.map((output) => output.logits);
  const probabilities = by === 'logits' ? softmaxOfMeanLogits(logits) : meanOfSoftmax(logits);
  const spread = folds[0].map((_, k) => spreadOfFolds(folds.map((row) => row[k])));
  return { folds, probabilities: [...probabilities], spread };
}

function placed<T>(slide: string, f: () => T): T {
  try {
    return f();
  } catch (error) {
    throw error instanceof SamMilError ? error.at(`slide "${slide}"`) : error;
  }
}
