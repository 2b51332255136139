import type { JsonObject } from '../../json.js';
import { ENCODER_NAMES, findEncoder } from './encoders/encoders.js';
import { type PatchScale, unexpectedPatches } from './expected-patches.js';

/** What is known of the step; see `StepToCheck` of the activities. */
interface KnownExtract {
  readonly with: JsonObject;
  /** The steps whose outputs parameters take. */
  readonly producers: Readonly<Record<string, { readonly uses: string; readonly with: JsonObject }>>;
}

/** Warns before the run if `pathology.patch` cuts patches that the encoder does not expect. */
export async function checkExtract(step: KnownExtract): Promise<{ warnings: string[] }> {
  const scale = scaleOfStep(step.producers.patches);
  if (scale === undefined) return { warnings: [] };
  const { encoder = null, encoders = null } = step.with;
  const warnings: string[] = [];
  for (const name of [encoder, ...(Array.isArray(encoders) ? encoders : [])]) {
    if (typeof name !== 'string' || !ENCODER_NAMES.includes(name)) continue;
    const warning = unexpectedPatches((await findEncoder(name)).info, scale);
    if (warning !== undefined) warnings.push(warning);
  }
  return { warnings };
}

/** Undefined if the patches depend on the slide, as with `patch-level`. */
function scaleOfStep(step: KnownExtract['producers'][string] | undefined): PatchScale | undefined {
  if (step?.uses !== 'pathology.patch') return undefined;
  const { 'patch-size': side, mpp, magnification } = step.with;
  if (typeof side !== 'number') return undefined;
  if (typeof mpp === 'number') return { side, mpp };
  return typeof magnification === 'number' ? { side, mpp: 10 / magnification } : undefined;
}
