import type { HostWeights } from '../compute/parameters.js';
import type { TrainingPlan, TrainingResult } from './training-plan.js';
import type { TrainingState } from './training-state.js';

/**
 * What a finished training returns: the weights of the selected epoch, or those of the last one.
 * @param ms time of this attempt
 */
export function resultOf(
  plan: TrainingPlan,
  state: Omit<TrainingState, 'adam' | 'teacher'>,
  lastWeights: () => HostWeights,
  ms: TrainingResult['seconds'],
): TrainingResult {
  const last = state.history[state.history.length - 1];
  const chosen = state.best ?? { epoch: last.epoch - 1, score: last.valScore, weights: lastWeights() };
  return {
    weights: chosen.weights,
    epoch: chosen.epoch + 1,
    ...(chosen.score === undefined ? {} : { valScore: chosen.score }),
    history: state.history,
    stoppedEarly: state.epoch < plan.epochs,
    seconds: { steps: ms.steps / 1000, validation: ms.validation / 1000 },
  };
}
