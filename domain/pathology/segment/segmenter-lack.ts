import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { MissingResource } from '../../activity-schema.js';
import { findMissingModelFile, findMissingWeights } from '../../machine/weights/lack.js';
import { presentWeights, readSegmenterFile } from './segmenter/segmenter-file.js';
import { SEGMENTER_NAMES } from './segmenters.js';

/**
 * Returns what this machine lacks to use a segmenter: weights that must be installed, or the checkpoint that
 * a segmenter file names.
 * @param segmenter a built-in name, or the path of a segmenter file
 */
export function lackOfSegmenter(segmenter: string, base: string): MissingResource | undefined {
  if (SEGMENTER_NAMES.includes(segmenter)) return findMissingWeights(segmenter);
  const path = resolve(base, segmenter);
  return existsSync(path)
    ? findMissingModelFile(() => presentWeights(readSegmenterFile(path), path))
    : undefined;
}
