import type { StepFault } from '../../activity-schema.js';
import type { JsonObject } from '../../json.js';

/** Parameters of the threshold on the saturation, which a tissue model replaces. */
const OF_THRESHOLD = ['seg-level', 'sthresh', 'mthresh', 'use-otsu', 'close'] as const;

/** Warns of parameters that have no effect together. */
export function findPatchFaults(given: JsonObject): StepFault[] {
  if (given['segment-with'] === undefined) return [];
  return OF_THRESHOLD.filter((parameter) => given[parameter] !== undefined).map((parameter) => ({
    parameter,
    what: 'has no effect with `segment-with`, which finds the tissue instead',
    next: `remove \`${parameter}\``,
    warning: 'bad-value',
  }));
}
