import { canonicalJson } from '../../../../json.js';
import { openSamModel, type SamOptions, type SamWeights } from './open-sam-model.js';
import type { SamModel } from './sam-model.js';

let kept: { key: string; model: Promise<SamModel> } | undefined;

/**
 * An open model that outlives the job: a process that segments slide after slide loads its gigabytes once. Asking for another one closes it. The caller
 * must not close it, and must not have two jobs at a time in one process.
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
