import { findingText, SamMilError } from '../../errors.js';
import type { MissingResource } from '../../activity-schema.js';
import { WEIGHTS } from './manifest.js';
import { findWeights } from './weights-store.js';

/** What keeps the model that a person's file describes from being used; undefined where nothing does that can be seen without work. */
export function lackOfModelFile(look: () => unknown): MissingResource | undefined {
  const error = errorOf(look);
  return error && { ...told(error), ...(error.code !== 'WeightsMissing' && { wrong: true }) };
}

function errorOf(look: () => unknown): SamMilError | undefined {
  try {
    look();
    return undefined;
  } catch (error) {
    if (error instanceof SamMilError) return error;
    throw error;
  }
}

function told(error: SamMilError): MissingResource {
  const { next } = error.facts;
  return { what: findingText(error), ...(next === undefined ? {} : { next }) };
}

/**
 * For a model of the manifest: whether its weights have to be fetched or imported before it can be used. Any other name lacks nothing, and
 * neither do weights that are fetched automatically.
 */
export function lackOfWeights(name: string): MissingResource | undefined {
  const brought = WEIGHTS.some((entry) => entry.name === name && !entry.automatic);
  const error = brought ? errorOf(() => findWeights(name)) : undefined;
  return error && told(error);
}
