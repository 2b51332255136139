import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MissingResource } from '../../../activity-schema.js';
import { findMissingModelFile, findMissingWeights } from '../../../machine/weights/lack.js';
import { parseEncoderFile } from './encoder-file-keys.js';
import { listEncoderFiles } from './encoder-parts.js';
import { ENCODER_NAMES } from './encoders.js';

/**
 * Returns what this machine lacks to use an encoder: weights that must be installed, or a file that an
 * encoder file names. Weights that the first run downloads automatically do not count as missing.
 * @param encoder a built-in name, or the path of an encoder file
 */
export function lackOfEncoder(encoder: string, base: string): MissingResource | undefined {
  if (ENCODER_NAMES.includes(encoder)) return findMissingWeights(encoder);
  const path = resolve(base, encoder);
  return existsSync(path)
    ? findMissingModelFile(() => listEncoderFiles(path, parseEncoderFile(path)))
    : undefined;
}
