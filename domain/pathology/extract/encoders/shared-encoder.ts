import { canonicalJson } from '../../../json.js';
import type { EncoderDefinition, EncoderOptions, OpenEncoder } from './encoder.js';
import { keyOfEncoder } from './encoders.js';

let kept: { key: string; encoder: Promise<OpenEncoder> } | undefined;

/**
 * An open encoder that outlives the job: a process that encodes slide after slide loads it once. Asking for another one closes it. The caller must not
 * close it, and must not have two jobs at a time in one process.
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
