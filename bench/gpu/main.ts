/**
 * `npm run bench:gpu -- [--budget SECONDS] [--out FOLDER] [--folder FOLDER] [--device cpu] [--tiny]`:
 * encoders and Segment Anything of published sizes with random weights, our side and PyTorch's, on one GPU.
 * Prints each part and writes all of them so far to `bench-gpu.json`, so that a cut loses only the part that
 * was running.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RandomStream } from '../../domain/random.js';
import { describeMachine, sides } from './machine.js';
import { partsOf } from './parts.js';
import { runPart } from './run-part.js';
import { SIDE } from './settings.js';

const { values } = parseArgs({
  options: {
    budget: { type: 'string', default: '480' },
    out: { type: 'string', default: 'work/bench-gpu' },
    folder: { type: 'string', default: join(tmpdir(), 'sam-mil-bench-gpu') },
    device: { type: 'string', default: 'cuda' },
    tiny: { type: 'boolean', default: false },
  },
});

/** A part is not started with less time left: loading and compiling a large network take this long. */
const LEAST_SECONDS = 45;

/** Enough for 256 patches, and for an image of Segment Anything. */
const PIXELS = 256 * SIDE * SIDE * 3;

const TENSORFLOW =
  'skipped: TensorFlow 2.19 needs the libraries of CUDA 12 (cuBLAS, cuDNN, cuFFT, cuSOLVER, cuSPARSE, NCCL: 2 GB) and its own build for GPUs (0.6 GB), which a machine with CUDA 13 lacks';

const start = performance.now();
const left = (): number => Number(values.budget) - (performance.now() - start) / 1000;
for (const folder of [values.out, values.folder]) mkdirSync(folder, { recursive: true });
const machine = await describeMachine();
const report: Record<string, unknown> = { machine, training: TENSORFLOW, parts: [] };
const save = (): void =>
  writeFileSync(join(values.out, 'bench-gpu.json'), `${JSON.stringify(report, null, 2)}\n`);
console.log(`${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} threads; ${machine.gpu}`);
console.log(`TensorFlow training: ${TENSORFLOW}`);

const random = new RandomStream('pixels of the benchmark');
writeFileSync(
  join(values.folder, 'pixels'),
  Uint8Array.from({ length: PIXELS }, () => Math.floor(256 * random.uniform())),
);
const done: unknown[] = [];
const sizes = {
  device: values.device === 'cpu' ? ('cpu' as const) : ('cuda' as const),
  tiny: values.tiny,
  folder: values.folder,
  seconds: values.tiny ? 0.2 : 4,
};
for (const part of partsOf(sizes)) {
  if (left() < LEAST_SECONDS) {
    done.push({ name: part.name, skipped: `${Math.round(left())} s of the budget were left` });
    console.log(`${part.name}: left out, ${Math.round(left())} s of the budget are left`);
  } else {
    part.prepare();
    done.push(await runPart(part, sides(machine), left));
  }
  report.parts = done;
  save();
}
save();
