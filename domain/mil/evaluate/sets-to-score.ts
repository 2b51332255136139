import type { SetName } from '../split/splits.js';

/**
 * The scored set, then the set that determines the threshold, if any. Scoring the validation set with a
 * threshold taken from itself would not be honest.
 */
export function setsToScore({ set, threshold }: { set: SetName; threshold: string }): SetName[] {
  return set === 'val' || threshold !== 'validation' ? [set] : [set, 'val'];
}
