import { findingText, SamMilError } from '../../errors.js';
import type { MissingResource } from '../../activity-schema.js';
import { WEIGHTS } from './manifest.js';
import { findWeights } from './weights-store.js';

/**
 * Why the model in a user's description file cannot be used, or undefined if a quick check finds no reason.
 */
export function findMissingModelFile(look: () => unknown): MissingResource | undefined {
  const error = catchError(look);
  return error && { ...describeMissing(error), ...(error.code !== 'WeightsMissing' && { wrong: true }) };
}

function catchError(look: () => unknown): SamMilError | undefined {
  try {
    look();
    return undefined;
  } catch (error) {
    if (error instanceof SamMilError) return error;
    throw error;
  }
}

function describeMissing(error: SamMilError): MissingResource {
  const { next } = error.facts;
  return { what: findingText(error), ...(next === undefined ? {} : { next }) };
}

/**
 * Whether the weights of a model in the manifest must be fetched or imported before use. Undefined for other
 * names and for weights that are downloaded automatically.
 */
export function findMissingWeights(name: string): MissingResource | undefined {
  const manual = WEIGHTS.some((entry) => entry.name === name && !entry.automatic);
  const error = manual ? catchError(() => findWeights(name)) : undefined;
  return error && describeMissing(error);
}
