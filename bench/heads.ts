/**
 * Our side of the contest of heads: bags per second. Arguments: model, head (hazard, cox, mse), instances,
 * feature length, steps. A step of Cox takes 16 bags.
 */
import { openTrainSteps, type TrainedHead } from '../test/support/train-steps.js';

const HEADS: Readonly<Record<string, TrainedHead>> = {
  hazard: {
    target: { endpoint: 'survival', head: 'hazard', time: 'months', edges: [10, 20, 30] },
    loss: { name: 'hazard', alpha: 0 },
    outcomes: [{ endpoint: 'survival', time: 15, event: 1 }],
  },
  cox: {
    target: { endpoint: 'survival', head: 'cox', time: 'months' },
    loss: { name: 'cox', ties: 'efron' },
    outcomes: Array.from({ length: 16 }, (_, i) => ({
      endpoint: 'survival',
      time: 1 + ((7 * i) % 16),
      event: i % 3 === 0 ? 0 : 1,
    })),
  },
  mse: {
    target: { endpoint: 'regression', value: 'score' },
    loss: { name: 'mse' },
    outcomes: [{ endpoint: 'regression', value: 0.5 }],
  },
};

const [name, headName, ...numbers] = process.argv.slice(2);
const [rows, dim, steps] = numbers.map(Number);

process.env.TF_NUM_INTRAOP_THREADS = '2';
const head = HEADS[headName];
const { step } = await openTrainSteps(name, rows, dim, steps, head);

const warm = Math.ceil(3 / head.outcomes.length);
for (let i = 0; i < warm; i++) step(i);
const start = performance.now();
for (let i = 0; i < steps; i++) step(i + warm);
const seconds = (performance.now() - start) / 1000;
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ value: (steps * head.outcomes.length) / seconds, peak_mb: peak }));
