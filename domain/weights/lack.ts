import { SamMilError } from '../errors.js';
import type { Lack } from '../language/catalogue.js';
import { WEIGHTS } from './manifest.js';
import { findWeights } from './weights-store.js';

/** What an error of `look` says is missing, and what to do about it; undefined where it throws none. */
export function lackOf(look: () => unknown): Lack | undefined {
  try {
    look();
    return undefined;
  } catch (error) {
    if (!(error instanceof SamMilError)) throw error;
    const { next } = error.facts;
    const what = next === undefined ? error.message : error.message.replace(`; Next: ${next}`, '');
    return { what, next };
  }
}

/** For a model of the manifest: whether its weights have to be fetched or imported before it can be used. Any other name lacks nothing. */
export function lackOfWeights(name: string): Lack | undefined {
  return WEIGHTS.some((entry) => entry.name === name) ? lackOf(() => findWeights(name)) : undefined;
}
