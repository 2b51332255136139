import { statSync } from 'node:fs';
import type { BagEntry } from '../bags/bags.js';
import { modelEntry } from '../models/registry.js';

/**
 * Products of an embedding up to which loops in JavaScript are faster than native TensorFlow, of which each of the 50 to 150 calls a step costs 10 to 40
 * microseconds whatever the size: 0.5 against 1.0 ms a step for 10 instances of 166 numbers and an embedding of 64.
 */
const MOST_PRODUCTS = 300_000;

/**
 * Whether a training is too small for native TensorFlow to pay: its bags hold some dozen short instances, as in the classic MIL data sets, and the model does
 * little but embed and pool. Depends on the sizes of the files only, so that every attempt decides alike.
 */
export function suitsJavaScript(
  model: string,
  entries: readonly Pick<BagEntry, 'features'>[],
  embedDim: number,
): boolean {
  if (!modelEntry(model).light) return false;
  const bytes = entries.reduce((sum, { features }) => sum + statSync(features).size, 0);
  return ((bytes / entries.length) * embedDim) / Float32Array.BYTES_PER_ELEMENT <= MOST_PRODUCTS;
}
