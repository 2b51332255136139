/**
 * Our side of the consistency contest: losses with their gradients, per second. Arguments: instances,
 * classes.
 */
import { consistency } from '../domain/mil/models/consistency.js';
import { RandomStream } from '../domain/random.js';

const [instances, count] = process.argv.slice(2).map(Number);
const stream = new RandomStream('bench');
const attention = Float32Array.from({ length: instances }, () => stream.uniform() / instances);
const classes = Int32Array.from({ length: instances }, () => stream.below(count));

const ROUNDS = 30;
for (let round = 0; round < 5; round++) consistency(attention, classes);
const start = performance.now();
for (let round = 0; round < ROUNDS; round++) consistency(attention, classes);
const seconds = (performance.now() - start) / 1000;
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ value: ROUNDS / seconds, peak_mb: peak }));
