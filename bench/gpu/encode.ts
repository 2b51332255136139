/** Our side of an encoder on a GPU: bytes in memory to features in memory. Argument: {@link EncodeTask}. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findEncoder } from '../../domain/pathology/extract/encoders/encoders.js';
import { randomEncoder } from '../../test/support/random-encoders.js';
import { repeat } from './repeat.js';
import { type EncodeTask, SIDE } from './settings.js';

const task = JSON.parse(process.argv[2]) as EncodeTask;
const folder = mkdtempSync(join(tmpdir(), 'sam-mil-bench-'));

try {
  const file = join(folder, 'encoder.yaml');
  writeFileSync(file, JSON.stringify({ ...randomEncoder(task.network), weights: task.weights }));
  const start = performance.now();
  const definition = await findEncoder({ path: file });
  const options = { device: task.device, threads: 16, precision: task.precision };
  const encoder = await definition.open(options);
  const load = (performance.now() - start) / 1000;
  const bytes = SIDE * SIDE * 3;
  const pixels = readFileSync(task.pixels);
  const batch = pixels.subarray(0, task.batch * bytes);
  writeFileSync(task.features, new Uint8Array((await encoder.encode(batch, task.batch)).buffer));
  const { first, median } = await repeat(task.seconds, async () => {
    for (let at = 0; at < task.patches; at += task.batch) {
      await encoder.encode(pixels.subarray(at * bytes, (at + task.batch) * bytes), task.batch);
    }
  });
  await encoder.close();
  const { name: provider, why } = encoder.provider;
  const measured = { load_s: load, first_s: first, patches_per_s: task.patches / median };
  console.log(JSON.stringify({ ...measured, provider, why }));
} finally {
  rmSync(folder, { recursive: true });
}
