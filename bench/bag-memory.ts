/**
 * Largest growth of the number of tensors that training holds, over bags of mixed size, after the first 50
 * bags. Argument: bags. Each has a different size and is seen once by each of three models.
 */
import { openAdam, startingState } from '../domain/mil/train-fold/adam.js';
import { placedBag } from '../domain/mil/bags/bag.js';
import { openBackend, tf } from '../domain/mil/compute/backend.js';
import { modelEntry, resolveOptions } from '../domain/mil/models/registry.js';
import { initialWeights } from '../domain/mil/compute/parameters.js';
import { trainStep } from '../test/support/train-step.js';
import { classLoss } from '../domain/mil/targets/head.js';
import { RandomStream } from '../domain/random.js';

const [count] = process.argv.slice(2).map(Number);
const DIM = 256;
await openBackend('tensorflow');
const rss: number[] = [];

/** Runs one model over all bags. Returns how many more tensors it held after the first 50. */
async function growth(name: string): Promise<number> {
  const entry = modelEntry(name);
  const sizes = {
    dim: DIM,
    outputs: 2,
    endpoint: 'classification' as const,
    embedDim: 128,
    attentionDim: entry.attentionDim,
    dropout: 0.25,
  };
  const model = (await entry.load())({ model: name, ...sizes, options: resolveOptions(name, {}) });
  const start = startingState(initialWeights(model.parameters, 'bench'));
  const adam = openAdam(model.parameters, start, { weightDecay: 1e-5 });
  const sizeStream = new RandomStream('sizes');
  const held = [0, 0];
  for (let step = 0; step < count; step++) {
    const bag = makeBag(1 + sizeStream.below(2000), step);
    const stream = (purpose: string) => new RandomStream('bench', step, purpose);
    const context = { ...classLoss(step % 2), step, totalSteps: count, stream, report: () => undefined };
    trainStep(model, adam, bag, context, 2e-4);
    bag.x.dispose();
    const phase = step < 50 ? 0 : 1;
    held[phase] = Math.max(held[phase], tf.memory().numTensors);
    if (step === 49 || step === count - 1) rss.push(Math.round(process.memoryUsage.rss() / 2 ** 20));
  }
  adam.dispose();
  return held[1] - held[0];
}

function makeBag(rows: number, step: number) {
  const x = tf.tensor2d(new Float32Array(rows * DIM).fill(step / count), [rows, DIM]);
  const area = Float32Array.from({ length: rows }, (_, row) => 100 * (row % 9));
  const isGroup = Uint8Array.from(area, (a) => (a === 0 ? 1 : 0));
  return placedBag({ x, rows, isGroup, area, coords: new Int32Array(2 * rows) });
}

let most = 0;
for (const name of ['abmil', 'dsmil', 'sam-mil']) most = Math.max(most, await growth(name));
console.log(JSON.stringify({ value: most, rss_mb: rss }));
