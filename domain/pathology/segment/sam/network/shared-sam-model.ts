import { canonicalJson } from '../../../../json.js';
import { openSamModel, type SamOptions, type SamWeights } from './open-sam-model.js';
import type { SamModel } from './sam-model.js';

let kept: { key: string; model: Promise<SamModel> } | undefined;

/**
 * Returns an open model that outlives the job, so that a process loads its gigabytes once for many slides. A
 * request for another model closes it. The caller must not close it and must not run two jobs at a time in
 * one process.
 */
export async function sharedSamModel(weights: SamWeights, options: SamOptions): Promise<SamModel> {
  const key = canonicalJson({ weights, options });
  if (kept?.key !== key) {
    const previous = kept?.model;
    kept = undefined;
    await previous?.then((model) => model.close()).catch(() => undefined);
    kept = { key, model: openSamModel(weights, options) };
  }
  try {
    return await kept.model;
  } catch (error) {
    kept = undefined;
    throw error;
  }
}
