import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { writeFeatures } from '../domain/pathology/layouts/features-file.js';

/**
 * Our side of the HDF5 contest: a bag of `rows` x `dim` features with coords, looked through for NaN and written durably (fsync, rename) a number of
 * times. MB a second, and MB a second of CPU time.
 */
const [rows, dim, rounds] = process.argv.slice(2).map(Number);
const features = Float32Array.from({ length: rows * dim }, (_, index) => (index % 997) / 997);
const coords = Int32Array.from({ length: rows * 2 }, (_, index) => index);
const folder = mkdtempSync(join(tmpdir(), 'sam-mil-bench-h5-'));

/** With a turn of the event loop, as a job has many between two files: descriptors of former ones are closed in it. */
async function write(): Promise<void> {
  writeFeatures(join(folder, 'bag.h5'), { features, dim, coords });
  await nextTurn();
}

try {
  // Compiled code is there by the third.
  for (let warm = 0; warm < 3; warm++) await write();
  const [started, before] = [performance.now(), process.cpuUsage()];
  for (let round = 0; round < rounds; round++) await write();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  const megabytes = (rounds * (features.byteLength + rows * 16)) / 1e6;
  console.log(JSON.stringify({ value: megabytes / seconds, cpu: megabytes / ((user + system) / 1e6) }));
} finally {
  rmSync(folder, { recursive: true });
}
