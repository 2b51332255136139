import { startingState } from './adam.js';
import type { HostWeights } from '../compute/parameters.js';
import type { EpochSums, TrainingState } from './training-state.js';

/** The state before the first step. */
export function freshState(weights: HostWeights, teacher?: HostWeights): TrainingState {
  return {
    adam: startingState(weights),
    epoch: 0,
    step: 0,
    sums: noSums(),
    stopping: { counter: 0 },
    history: [],
    ...(teacher && { teacher }),
  };
}

export function noSums(): EpochSums {
  return { loss: 0, parts: {}, skipped: 0 };
}

export function addSums(sums: EpochSums, { loss, parts, skipped }: EpochSums): void {
  sums.loss += loss;
  sums.skipped += skipped;
  for (const [part, sum] of Object.entries(parts)) sums.parts[part] = (sums.parts[part] ?? 0) + sum;
}
