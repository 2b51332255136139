import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MissingResource } from '../../../activity-schema.js';
import { lackOfModelFile, lackOfWeights } from '../../../machine/weights/lack.js';
import { parseEncoderFile } from './encoder-file-keys.js';
import { filesOfEncoder } from './encoder-parts.js';
import { ENCODER_NAMES } from './encoders.js';

/**
 * What this machine lacks to use an encoder: weights that have to be brought, or a file that an encoder's file names. What the first run fetches by
 * itself counts as there.
 * @param encoder a built-in name, or the path of an encoder's file
 */
export function lackOfEncoder(encoder: string, base: string): MissingResource | undefined {
  if (ENCODER_NAMES.includes(encoder)) return lackOfWeights(encoder);
  const path = resolve(base, encoder);
  return existsSync(path) ? lackOfModelFile(() => filesOfEncoder(path, parseEncoderFile(path))) : undefined;
}
