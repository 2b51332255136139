import { copyFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { requireContent } from '../../engine/store/damaged-output.js';
import type { Job, JobResult } from '../../job.js';
import { readCheckpoint } from '../models/checkpoint.js';
import { classesOf } from '../targets/target.js';
import type { ImportCheckpointWith } from './parameters.js';

/**
 * Copies a checkpoint of another work folder, after it has been read, so that predictions can be reproduced
 * from this folder alone.
 */
export async function run(job: Job<ImportCheckpointWith>): Promise<JobResult> {
  const { path, digest } = job.with.checkpoint;
  requireContent(path, digest);
  const from = join(job.scratch, `checkpoint${extname(path)}`);
  copyFileSync(path, from);
  const { config, target, training } = readCheckpoint(from);
  const number = (value: unknown) => (typeof value === 'number' ? value : null);
  return {
    files: { checkpoint: { from, to: `checkpoints/${job.name}${extname(path)}` } },
    values: {
      model: config.model,
      classes: classesOf(target),
      repeat: number(training.repeat),
      fold: number(training.fold),
    },
  };
}
