import type { StepFault } from '../../activity-schema.js';
import type { JsonObject } from '../../json.js';
import { encoderFault } from './encoders/requested-encoders.js';

/** Returns what is wrong with the choice of encoders. */
export function findExtractFaults(given: JsonObject): StepFault[] {
  const { encoder, encoders, fallback } = given as {
    encoder?: string;
    encoders?: string[];
    fallback?: string;
  };
  // A list that an expression computes is checked when the step runs.
  const members = encoders === undefined || Array.isArray(encoders) ? encoders : [];
  const fault = encoderFault({ encoder, encoders: members, fallback });
  return fault ? [fault] : [];
}
