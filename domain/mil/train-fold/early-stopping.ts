export interface EarlyStoppingState {
  /** The score to beat, absent before the first epoch. */
  best?: number;
  /** Epochs in a row below it. */
  counter: number;
}

export interface EarlyStoppingRule {
  /** Epochs in a row below the best score after which training may stop. */
  patience: number;
  /** Training goes on until this epoch (from 0) has passed, whatever the score. */
  stopEpoch: number;
}

/** The state after an epoch with this score. As in the published trainer, a tie counts as no setback: it resets the counter. */
export function afterScore({ best, counter }: EarlyStoppingState, score: number): EarlyStoppingState {
  if (best !== undefined && score < best) return { best, counter: counter + 1 };
  return { best: score, counter: 0 };
}

export function shouldStop(state: EarlyStoppingState, epoch: number, rule: EarlyStoppingRule): boolean {
  return state.counter >= rule.patience && epoch > rule.stopEpoch;
}
