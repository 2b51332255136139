import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { definition } from '../../activities/pathology/extract.js';
import { run } from '../../domain/pathology/extract/extract.js';
import type { ExtractWith } from '../../domain/pathology/extract/parameters.js';
import { writePatches } from '../../domain/pathology/layouts/bag-files.js';
import { encodeMask } from '../../domain/files/run-length.js';
import { type SegmentMask, writeSegments } from '../../domain/pathology/layouts/segments-file.js';
import type { InputFile, JobResult } from '../../domain/job.js';
import type { Json } from '../../domain/json.js';
import { inputFile, jobFor } from './activity-job.js';
import { BUNDLED_SLIDE } from './bundled.js';
import { patchesAt } from './small-patches.js';
import { temporaryFolder } from './temporary-folder.js';
import { writeTinyEncoder } from './tiny-encoder.js';

export const SIZE = 64;
/** 30 patches of 64 x 64 in the middle of the tissue. */
export const COORDS = Int32Array.from({ length: 60 }, (_, i) =>
  i % 2 === 0 ? 900 + ((i >> 1) % 6) * SIZE : 1200 + Math.floor(i / 12) * SIZE,
);

export interface Given {
  parameters: Record<string, Json | InputFile | (Json | InputFile)[]>;
  folder: string;
}

/** A job's folder with patches, segments and a small encoder. */
export async function given(
  context: TestContext,
  changes: Record<string, Json | InputFile> = {},
): Promise<Given> {
  const folder = temporaryFolder(context);
  const patches = join(folder, 'patches.h5');
  writePatches(patches, smallPatchesAt(COORDS));
  const segments = join(folder, 'segments.h5');
  writeSegments(segments, twoSegments());
  return {
    folder,
    parameters: {
      slide: await inputFile(BUNDLED_SLIDE),
      patches: await inputFile(patches),
      segments: await inputFile(segments),
      encoder: await inputFile(writeTinyEncoder(folder)),
      'batch-size': 4,
      threads: 2,
      ...changes,
    },
  };
}

export function smallPatchesAt(coords: Int32Array) {
  return patchesAt(coords, { patchSize: SIZE });
}

/**
 * On an image of 96 x 80 (4 level-0 pixels each) that starts at the first patch: its upper three quarters, a
 * line one pixel wide, and its left third.
 */
export function twoSegments() {
  const [w, h] = [96, 80];
  const mask = (right: number, bottom = h): SegmentMask => {
    const pixels = Uint8Array.from({ length: w * h }, (_, i) =>
      i % w < right && Math.floor(i / w) < bottom ? 1 : 0,
    );
    return {
      rle: encodeMask(pixels, h, w),
      area: right * bottom,
      bbox: [0, 0, right - 1, bottom - 1],
      predictedIou: 1,
      pointCoords: [[0, 0]],
      stabilityScore: 1,
      cropBox: [0, 0, w, h],
    };
  };
  const info = {
    patchSize: SIZE,
    startX: 900,
    startY: 1200,
    stopX: 1284,
    stopY: 1520,
    w,
    h,
    visLevel: 0,
    downsampleRatio: 4,
  };
  return { info, masks: [mask(w, 60), mask(1), mask(32)] };
}

export function extract({ parameters, folder }: Given, attempt = 'attempt'): Promise<JobResult> {
  return run(jobFor<ExtractWith>(definition, parameters, join(folder, attempt)));
}
