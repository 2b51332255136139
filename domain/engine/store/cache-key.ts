import { digestOfJson } from '../../digest.js';
import type { JsonObject } from '../../json.js';

/**
 * All that decides a step's outputs. The stage's name, queue, retries, attempt, run and host are not among it; neither is a path, only the
 * content behind it.
 */
export interface Ingredients {
  activity: string;
  version: number;
  /** Item key: part of output file names. Empty for a stage of one item. */
  name: string;
  /** Validated parameters with defaults, without inputs and without what changes speed only. */
  with: JsonObject;
  /** By place in `with` (`slide`, `tables.0`): the content's digest and the name people know it by, which outputs may repeat. */
  inputs: Record<string, InputIngredient>;
  /** Digests of weights and the like. */
  hidden: JsonObject;
  /** Digests of the code of external plugins, by plugin. Absent where all of the code ships with this package. */
  code?: Record<string, string>;
}

export interface InputIngredient {
  digest: string;
  name: string;
}

/** `sha256:<hex>`: equal for equal ingredients. */
export function cacheKey(ingredients: Ingredients): string {
  return digestOfJson(ingredients);
}
