import { run } from '../../../../domain/mil/train-fold/train-fold.js';
import type { TrainFoldWith } from '../../../../domain/mil/train-fold/parameters.js';
import { makeJob } from '../cohort.js';

/**
 * Trains in a separate process, so that a test can kill it: `train-child.js <folder> <work> <parameters>`;
 * prints one line per epoch.
 */
const [folder, work, parameters] = process.argv.slice(2);
const job = makeJob(folder, work, JSON.parse(parameters) as TrainFoldWith);
job.progress = ({ done }) => console.log(`epoch ${done}`);
await run(job);
console.log('done');
