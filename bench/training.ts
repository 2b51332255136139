/** Our side of the training contest: steps per second. Arguments: model, instances, feature length, steps. */
import { openTrainSteps } from '../test/support/train-steps.js';

const [name, ...numbers] = process.argv.slice(2);
const [rows, dim, steps] = numbers.map(Number);

process.env.TF_NUM_INTRAOP_THREADS = '2';
const { step } = await openTrainSteps(name, rows, dim, steps);

for (let i = 0; i < 3; i++) step(i);
const start = performance.now();
for (let i = 0; i < steps; i++) step(i + 3);
const seconds = (performance.now() - start) / 1000;
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ value: steps / seconds, peak_mb: peak }));
