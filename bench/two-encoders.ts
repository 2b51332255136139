/**
 * Two small encoders in one reading of a slide (`one`) or in two steps (`two`), from the slide to both bags,
 * in patches per second. Arguments: slide, mode, patch size, patches, threads.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixture } from '../test/support/fixtures.js';
import { extractPatches, overlappingGrid } from './extract-job.js';

const ENCODERS = [
  { name: 'resnet', architecture: 'resnet50', weights: fixture('encoders/resnet50_w8_cut.legacy.pth') },
  { name: 'clip', architecture: 'clip-vit', weights: fixture('encoders/clip_tiny.bin'), 'head-width': 16 },
];

const [slide, mode, ...numbers] = process.argv.slice(2);
const [size, count, threads] = numbers.map(Number);
const folder = mkdtempSync(join(tmpdir(), 'sam-mil-bench-'));

async function extract(name: string, coords: Int32Array, encoders: string[]): Promise<void> {
  const job = { slide, size, threads, batchSize: 32, coords };
  if (mode === 'one') await extractPatches(join(folder, name), { ...job, encoders });
  else
    for (const [index, encoder] of encoders.entries())
      await extractPatches(join(folder, `${name}-${index}`), { ...job, encoder });
}

try {
  const encoders = ENCODERS.map((file) => {
    const path = join(folder, `${file.name}.yaml`);
    writeFileSync(path, JSON.stringify(file));
    return path;
  });
  // Imports are not timed.
  await extract('warm', overlappingGrid(size, 8), encoders);
  const start = performance.now();
  await extract('timed', overlappingGrid(size, count), encoders);
  console.log(JSON.stringify({ value: count / ((performance.now() - start) / 1000) }));
} finally {
  rmSync(folder, { recursive: true });
}
