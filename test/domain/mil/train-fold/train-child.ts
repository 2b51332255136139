import { run } from '../../../../domain/mil/train-fold/train-fold.js';
import type { TrainFoldWith } from '../../../../domain/mil/train-fold/parameters.js';
import { makeJob } from '../cohort.js';

/** Trains in a process of its own, so that a test can kill it: `train-child.js <folder> <work> <parameters>`; prints a line an epoch. */
const [folder, work, parameters] = process.argv.slice(2);
const job = makeJob(folder, work, JSON.parse(parameters) as TrainFoldWith);
job.progress = ({ done }) => console.log(`epoch ${done}`);
await run(job);
console.log('done');
