import type { RrtMilOptions } from '../../../../domain/mil/models/model-options.js';

/** The options of the oracles of RRT-MIL, with the given ones. */
export function rrtOptions(given: Partial<RrtMilOptions>): RrtMilOptions {
  return {
    ...{ regionNum: 8, epegK: 15, crmsaK: 3, crmsaHeads: 8, crmsaMlp: false },
    ...{ allShortcut: false, attentionActivation: 'tanh' },
    ...given,
  };
}
