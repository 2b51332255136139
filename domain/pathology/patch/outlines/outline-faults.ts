import type { StepFault } from '../../../activity-schema.js';
import type { JsonObject } from '../../../json.js';

/** Classes are without effect if no outlines are given that they could choose from. */
export function findOutlineFaults(given: JsonObject): StepFault[] {
  const has = (...names: string[]) => names.some((name) => name in given);
  const fault = (parameter: string, needed: string): StepFault => ({
    parameter,
    what: `has no effect without ${needed}`,
    next: `remove it, or set ${needed}`,
  });
  return [
    ...(has('classes') && !has('tissue', 'roi') ? [fault('classes', '`tissue` or `roi`')] : []),
    ...(has('roi-classes') && !has('roi') ? [fault('roi-classes', '`roi`')] : []),
    ...(has('exclude-classes') && !has('tissue', 'roi', 'exclude')
      ? [fault('exclude-classes', '`tissue`, `roi` or `exclude`')]
      : []),
  ];
}
