import { canonicalJson } from '../../../json.js';
import type { EncoderDefinition, EncoderOptions, OpenEncoder } from './encoder.js';
import { keyOfEncoder } from './encoders.js';

let kept: { key: string; encoder: Promise<OpenEncoder> } | undefined;

/**
 * Returns an open encoder that outlives the job, so that a process loads it once for many slides. A request
 * for another encoder closes it. The caller must not close it and must not run two jobs at a time in one
 * process.
 */
export async function sharedEncoder(
  definition: EncoderDefinition,
  options: EncoderOptions,
): Promise<OpenEncoder> {
  const key = canonicalJson({ encoder: keyOfEncoder(definition.info), options });
  if (kept?.key !== key) {
    const previous = kept?.encoder;
    kept = undefined;
    await previous?.then((encoder) => encoder.close()).catch(() => undefined);
    kept = { key, encoder: definition.open(options) };
  }
  try {
    return await kept.encoder;
  } catch (error) {
    kept = undefined;
    throw error;
  }
}
