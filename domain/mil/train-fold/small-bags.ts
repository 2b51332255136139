import { statSync } from 'node:fs';
import type { BagEntry } from '../bags/bags.js';
import { modelEntry } from '../models/registry.js';

/**
 * Up to this many products per embedding, JavaScript loops are faster than native TensorFlow, where each of
 * the 50 to 150 calls per step takes 10 to 40 microseconds regardless of size. Measured: 0.5 against 1.0 ms
 * per step for 10 instances of 166 numbers and an embedding of 64.
 */
const MAX_PRODUCTS = 300_000;

/**
 * Whether a training is too small to benefit from native TensorFlow: its bags hold a few dozen short
 * instances, as in the classic MIL data sets, and the model only embeds and pools. The decision depends only
 * on file sizes, so that every attempt makes the same one.
 */
export function suitsJavaScript(
  model: string,
  entries: readonly Pick<BagEntry, 'features'>[],
  embedDim: number,
): boolean {
  if (!modelEntry(model).light) return false;
  const bytes = entries.reduce((sum, { features }) => sum + statSync(features).size, 0);
  return ((bytes / entries.length) * embedDim) / Float32Array.BYTES_PER_ELEMENT <= MAX_PRODUCTS;
}
