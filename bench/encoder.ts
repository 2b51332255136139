/**
 * Our side of the encoder contests: pathology.extract with an encoder of full size, from the slide to the
 * bag, in patches per second. Also prints the processor time per patch, which other load affects less.
 * Arguments: slide, network (`resnet50` or a name of `RANDOM_VITS`), weights (made if missing), patch size,
 * patches, threads.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readFeatures } from '../domain/pathology/layouts/bag-files.js';
import { randomEncoder, writeRandomWeights } from '../test/support/random-encoders.js';
import { extractPatches, overlappingGrid } from './extract-job.js';

const [slide, network, weights, ...numbers] = process.argv.slice(2);
const [size, count, threads] = numbers.map(Number);
mkdirSync(dirname(weights), { recursive: true });
if (!existsSync(weights)) writeRandomWeights(network, weights);
const folder = mkdtempSync(join(tmpdir(), 'sam-mil-bench-'));

try {
  const encoder = join(folder, 'encoder.yaml');
  writeFileSync(encoder, JSON.stringify({ ...randomEncoder(network), weights }));
  const job = { slide, size, encoder, threads, batchSize: 32 };
  // Imports and loading of the weights are not timed, as on the peer's side.
  await extractPatches(join(folder, 'warm'), { ...job, coords: overlappingGrid(size, 8) });
  const start = performance.now();
  const before = process.cpuUsage();
  const { files } = await extractPatches(join(folder, 'timed'), {
    ...job,
    coords: overlappingGrid(size, count),
  });
  const seconds = (performance.now() - start) / 1000;
  const cpu = process.cpuUsage(before);
  const perPatch = { cpu_s_per_patch: (cpu.user + cpu.system) / 1e6 / count };
  const { features } = readFeatures(files.bag.from);
  const mean = features.reduce((sum, value) => sum + value, 0) / features.length;
  console.log(JSON.stringify({ value: count / seconds, ...perPatch, mean_feature: mean.toPrecision(6) }));
} finally {
  rmSync(folder, { recursive: true });
}
