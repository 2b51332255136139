import { canonicalJson } from '../../../json.js';
import type { EncoderDefinition, EncoderOptions, OpenEncoder } from './encoder.js';
import { keyOfEncoder } from './encoders.js';

export interface EncoderRequest {
  definition: EncoderDefinition;
  options: EncoderOptions;
}

const kept = new Map<string, Promise<OpenEncoder>>();

/**
 * Returns open encoders that outlive the job, so that a process loads them once for many slides. Those that
 * are not requested are closed before any other is opened. The caller must not close them and must not run
 * two jobs at a time in one process.
 */
export async function sharedEncoders(requests: readonly EncoderRequest[]): Promise<OpenEncoder[]> {
  const keys = requests.map(keyOfRequest);
  for (const [key, encoder] of [...kept].filter(([key]) => !keys.includes(key))) {
    kept.delete(key);
    await encoder.then((open) => open.close()).catch(() => undefined);
  }
  const opened: OpenEncoder[] = [];
  for (const [index, { definition, options }] of requests.entries()) {
    const encoder = kept.get(keys[index]) ?? definition.open(options);
    kept.set(keys[index], encoder);
    try {
      opened.push(await encoder);
    } catch (error) {
      kept.delete(keys[index]);
      throw error;
    }
  }
  return opened;
}

function keyOfRequest({ definition, options }: EncoderRequest): string {
  return canonicalJson({ encoder: keyOfEncoder(definition.info), options });
}
