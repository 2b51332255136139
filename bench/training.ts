/** Our side of the training contest: steps per second. Arguments: model, instances, feature length, steps. */
import { openAdam, startingState } from '../domain/mil/train-fold/adam.js';
import type { Rank } from '@tensorflow/tfjs-core';
import { openBackend, tf } from '../domain/mil/compute/backend.js';
import { modelEntry, resolveOptions } from '../domain/mil/models/registry.js';
import { initialWeights } from '../domain/mil/compute/parameters.js';
import { trainStep } from '../domain/mil/train-fold/step.js';
import { RandomStream } from '../domain/random.js';

const [name, ...numbers] = process.argv.slice(2);
const [rows, dim, steps] = numbers.map(Number);

process.env.TF_NUM_INTRAOP_THREADS = '2';
await openBackend('tensorflow');
const entry = modelEntry(name);
const options = resolveOptions(name, {});
const config = {
  model: name,
  dim,
  classes: 2,
  embedDim: 512,
  attentionDim: entry.attentionDim,
  dropout: 0.25,
  options,
};
const model = (await entry.load())(config);
const adam = openAdam(model.parameters, startingState(initialWeights(model.parameters, 'bench')), {
  weightDecay: 1e-5,
});
const bag = {
  x: tf.randomNormal<Rank.R2>([rows, dim], 0, 1, 'float32', 1),
  rows,
  isGroup: new Uint8Array(rows),
  area: Float32Array.from({ length: rows }, (_, i) => 100 + 300 * (i % 40)),
};

function step(number: number): void {
  trainStep(
    model,
    adam,
    bag,
    {
      label: 1,
      step: number,
      totalSteps: steps,
      stream: (purpose) => new RandomStream('bench', number, purpose),
      report: () => undefined,
    },
    2e-4,
  );
}

for (let i = 0; i < 3; i++) step(i);
const start = performance.now();
for (let i = 0; i < steps; i++) step(i + 3);
const seconds = (performance.now() - start) / 1000;
const peak = Math.round(process.resourceUsage().maxRSS / 1024);
console.log(JSON.stringify({ value: steps / seconds, peak_mb: peak }));
