import type { JsonObject } from '../../json.js';
import { tf } from '../compute/backend.js';
import { toDevice } from '../compute/device-weights.js';
import type { HostWeights } from '../compute/parameters.js';
import type { TrainingPlan } from './training-plan.js';
import { labelOf } from '../targets/target.js';
import { softmax } from '../compute/host-math.js';
import { bagLogits } from './validate.js';

/**
 * Scores the validation bags with the final weights, so that a threshold for other cohorts can be locked
 * from the checkpoint alone. Slides and patients are not named, because checkpoints are shared.
 *
 * @param groups patient of each slide, if known: the scores state which slides share one
 * @returns nothing without validation bags, and for other endpoints than classes
 */
export async function scoreValidation(
  { model, bags, validation, target }: Pick<TrainingPlan, 'model' | 'bags' | 'validation' | 'target'>,
  host: HostWeights,
  groups: Readonly<Record<string, string>> | undefined,
  signal: AbortSignal,
): Promise<JsonObject> {
  if (validation.length === 0 || target.endpoint !== 'classification') return {};
  const weights = toDevice(model.parameters, host);
  try {
    const probabilities: number[][] = [];
    for await (const scored of bags.walk(validation)) {
      signal.throwIfAborted();
      probabilities.push([...softmax(bagLogits(model, weights, scored))]);
    }
    const keys = validation.map(({ key }) => key);
    const labels = validation.map(({ outcome }) => labelOf(outcome));
    return { 'validation-scores': { labels, probabilities, ...numberedPatients(keys, groups) } };
  } finally {
    tf.dispose(weights);
  }
}

function numberedPatients(
  keys: readonly string[],
  groups: Readonly<Record<string, string>> = {},
): JsonObject {
  const patients = keys.map((key) => (Object.hasOwn(groups, key) ? groups[key] : undefined));
  if (patients.includes(undefined)) return {};
  const names = [...new Set(patients)];
  return { patients: patients.map((name) => names.indexOf(name)) };
}
