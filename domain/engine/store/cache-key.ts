import { digestOfJson } from '../../digest.js';
import type { JsonObject } from '../../json.js';

/**
 * Everything that determines the outputs of a step. The stage's name, queue, retries, attempt, run and host
 * are not included, and neither are paths, only the content of the files.
 */
export interface Ingredients {
  activity: string;
  version: number;
  /** Item key, which is part of output file names. Empty for a stage with one item. */
  name: string;
  /** Validated parameters with defaults, without inputs and without parameters that only affect speed. */
  with: JsonObject;
  /**
   * By place in `with` (`slide`, `tables.0`): digest of the content, and display name, which outputs may
   * contain.
   */
  inputs: Record<string, InputIngredient>;
  /** Digests of weights and the like. */
  hidden: JsonObject;
  /** Digests of the code of external plugins, by plugin. Absent if all code ships with this package. */
  code?: Record<string, string>;
}

export interface InputIngredient {
  digest: string;
  /** For a step that reads a part of the input: {@link ReadPart.covers}, of which `digest` is the digest. */
  parts?: Record<string, string>;
  name: string;
}

/** The cache key, as `sha256:<hex>`. Equal ingredients have equal keys. */
export function cacheKey(ingredients: Ingredients): string {
  return digestOfJson(ingredients);
}
