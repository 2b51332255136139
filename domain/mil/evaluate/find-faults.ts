import type { StepFault } from '../../activity-schema.js';
import type { JsonObject } from '../../json.js';

/** Parameters that select one of the two uses. */
const OF_FOLD = ['checkpoint', 'bags', 'splits'] as const;
const OF_PREDICTIONS = [
  ...['ensemble', 'labels', 'key-column', 'label-column', 'group-column', 'site-column'],
  ...['time-column', 'event-column', 'event-values', 'censored-values'],
  ...['classes', 'compare-with'],
];

/** A step scores either a fold of a training, or predictions. */
export function findEvaluateFaults(given: JsonObject): StepFault[] {
  const has = (name: string) => given[name] !== undefined && given[name] !== null;
  if (has('predictions')) {
    return OF_FOLD.filter(has).map((parameter) => ({
      parameter,
      what: 'has no effect with `predictions`',
      next: 'remove one of them',
    }));
  }
  const missing = OF_FOLD.filter((name) => !has(name)).map((parameter): StepFault => ({
    parameter,
    what: 'is required to score a fold; to score predictions, set `predictions`',
    missing: true,
  }));
  const foreign = OF_PREDICTIONS.filter(has).map((parameter): StepFault => ({
    parameter,
    what: 'has an effect only with `predictions`',
  }));
  return [...missing, ...foreign];
}
