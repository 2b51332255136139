import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { writeFeatures } from '../domain/pathology/layouts/features-file.js';

/**
 * Our side of the HDF5 contest: a bag of `rows` x `dim` features with coords is checked for NaN and written
 * durably (fsync, rename), several times. Prints MB per second, and MB per second of CPU time.
 */
const [rows, dim, rounds] = process.argv.slice(2).map(Number);
const features = Float32Array.from({ length: rows * dim }, (_, index) => (index % 997) / 997);
const coords = Int32Array.from({ length: rows * 2 }, (_, index) => index);
const folder = mkdtempSync(join(tmpdir(), 'sam-mil-bench-h5-'));

/**
 * Includes a turn of the event loop, in which the descriptors of earlier files are closed. A job has many of
 * them between two files.
 */
async function write(): Promise<void> {
  writeFeatures(join(folder, 'bag.h5'), { features, dim, coords });
  await nextTurn();
}

try {
  // From the third file on, the code is compiled.
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
