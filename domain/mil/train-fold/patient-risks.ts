import type { JsonObject } from '../../json.js';
import { tf } from '../compute/backend.js';
import { toDevice } from '../compute/device-weights.js';
import type { HostWeights } from '../compute/parameters.js';
import { riskOf } from '../targets/risk.js';
import type { Splits } from '../split/splits.js';
import type { TrainingPlan } from './training-plan.js';
import { survivalPatients, type SurvivalPatient } from './training-target.js';
import { bagLogits } from './validate.js';

/**
 * Follow-up and risk of each training patient under the final weights, from which the threshold between high
 * and low risk, the scale of the risks and the censoring follow. A patient's risk is the mean over its
 * slides. Patients are not named, because checkpoints are shared.
 *
 * @returns nothing for other endpoints than survival
 */
export async function scoreTrainingPatients(
  { model, bags, train, target }: Pick<TrainingPlan, 'model' | 'bags' | 'train' | 'target'>,
  host: HostWeights,
  splits: Splits,
  signal: AbortSignal,
): Promise<JsonObject> {
  if (target.endpoint !== 'survival') return {};
  const weights = toDevice(model.parameters, host);
  try {
    const risks = new Map<string, number>();
    for await (const scored of bags.walk(train)) {
      signal.throwIfAborted();
      risks.set(scored.key, riskOf(bagLogits(model, weights, scored), target));
    }
    const patients = survivalPatients(
      splits,
      train.map(({ key }) => key),
    );
    const meanOf = ({ slides }: SurvivalPatient) =>
      slides.reduce((sum, key) => sum + (risks.get(key) ?? NaN), 0) / slides.length;
    return {
      survival: {
        times: patients.map(({ time }) => time),
        events: patients.map(({ event }) => event),
        risks: patients.map(meanOf),
      },
    };
  } finally {
    tf.dispose(weights);
  }
}
