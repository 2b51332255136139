import { mkdirSync } from 'node:fs';
import { automaticMasks } from '../../domain/pathology/segment/sam/automatic-masks.js';
import { openSmallSam, samImage } from './small-sam.js';
import type { SegmentParameters } from '../../domain/pathology/segment/segmenter/segmenter-parameters.js';

/**
 * A process that finds all masks of the small image and kills itself midway, so that nothing can clean up:
 * arguments are its folder, the parameters as JSON, and the number of `progress` calls it survives.
 */
const [folder, parameters, calls] = process.argv.slice(2);
const model = await openSmallSam(folder);
let left = Number(calls);
mkdirSync(`${folder}/checkpoint`, { recursive: true });
await automaticMasks(model, 'small', await samImage(), JSON.parse(parameters) as SegmentParameters, {
  signal: new AbortController().signal,
  checkpoint: `${folder}/checkpoint`,
  progress: () => {
    left--;
    if (left === 0) process.kill(process.pid, 'SIGKILL');
  },
  log: () => undefined,
});
