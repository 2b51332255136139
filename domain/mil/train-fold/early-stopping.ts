export interface EarlyStoppingState {
  /** The best score; scores are higher for a better model. Absent before the first epoch. */
  best?: number;
  /** Number of consecutive epochs below the best score. */
  counter: number;
}

export interface EarlyStoppingRule {
  /** Number of consecutive epochs below the best score after which training may stop. */
  patience: number;
  /** Training continues until after this epoch (from 0), regardless of the score. */
  stopEpoch: number;
}

/** The state after an epoch with this score. As in the published trainer, a tie resets the counter. */
export function afterScore({ best, counter }: EarlyStoppingState, score: number): EarlyStoppingState {
  if (best !== undefined && score < best) return { best, counter: counter + 1 };
  return { best: score, counter: 0 };
}

export function shouldStop(state: EarlyStoppingState, epoch: number, rule: EarlyStoppingRule): boolean {
  return state.counter >= rule.patience && epoch > rule.stopEpoch;
}
