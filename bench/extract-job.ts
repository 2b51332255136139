import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../domain/pathology/extract/extract.js';
import { writePatches } from '../domain/pathology/layouts/bag-files.js';
import type { InputFile, JobResult, Progress } from '../domain/job.js';
import { openSlide } from '../domain/pathology/slides/open.js';

export interface ExtractJob {
  slide: string;
  /** Side of the patches, level-0 pixels. */
  size: number;
  coords: Int32Array;
  /** Path of an encoder file, or those of several for one reading. */
  encoder?: string;
  encoders?: string[];
  threads?: number;
  batchSize: number;
  progress?(report: Progress): void;
}

function encoderInput(path: string): InputFile {
  return { path, digest: '', name: 'encoder' };
}

/** Size of the bundled slide. */
const [WIDTH, HEIGHT] = [2220, 2967];

/** `count` positions, row by row, in a grid of about as many columns as rows. The peers use the same grid. */
export function overlappingGrid(size: number, count: number): Int32Array {
  const columns = Math.ceil(Math.sqrt(count));
  return Int32Array.from({ length: 2 * count }, (_, i) => {
    const place = i >> 1;
    return i % 2 === 0
      ? Math.floor(((place % columns) * (WIDTH - size)) / columns)
      : Math.floor((Math.floor(place / columns) * (HEIGHT - size)) / columns);
  });
}

/** Runs the implementation of pathology.extract on the bundled slide. Outputs are below `folder`. */
export async function extractPatches(folder: string, job: ExtractJob): Promise<JobResult> {
  const [scratch, checkpoint] = [join(folder, 'scratch'), join(folder, 'checkpoint')];
  for (const path of [scratch, checkpoint]) mkdirSync(path, { recursive: true });
  const patches = join(folder, 'patches.h5');
  const slide = openSlide(job.slide);
  const [{ width, height }] = slide.info.levels;
  slide.close();
  writePatches(patches, {
    coords: job.coords,
    patchSize: job.size,
    patchLevel: 0,
    downsample: [1, 1],
    levelDim: [width, height],
    level0Dim: [width, height],
    name: 'slide',
    savePath: '',
  });
  return run({
    with: {
      slide: { path: job.slide, digest: '', name: 'slide' },
      patches: { path: patches, digest: '', name: 'patches' },
      ...(job.encoder !== undefined && { encoder: encoderInput(job.encoder) }),
      ...(job.encoders && { encoders: job.encoders.map(encoderInput) }),
      batchSize: job.batchSize,
      layout: 'clam',
      precision: 'fp32',
      device: 'cpu',
      threads: job.threads,
    },
    work: folder,
    name: 'slide',
    scratch,
    checkpoint,
    signal: new AbortController().signal,
    progress: (report) => job.progress?.(report),
    log: () => undefined,
  });
}
