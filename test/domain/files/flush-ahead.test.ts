import assert from 'node:assert/strict';
import { openSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createFeatures, readFeatures } from '../../../domain/pathology/layouts/features-file.js';
import { FlushAhead } from '../../../domain/files/flush-ahead.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/**
 * Number of open descriptors of this process for files below a folder, under their current or a former name.
 */
function held(folder: string): number {
  return readdirSync('/proc/self/fd').filter((number) => {
    try {
      return readlinkSync(join('/proc/self/fd', number)).startsWith(folder);
    } catch {
      return false; // the one of this listing
    }
  }).length;
}

async function untilLetGo(folder: string): Promise<void> {
  for (let i = 0; i < 200 && held(folder) > 0; i++) await sleep(25);
  assert.equal(held(folder), 0);
}

const onLinux = { skip: process.platform !== 'linux' && 'descriptors are listed in /proc' };

test('a file of many blocks is complete, and no descriptor stays open', onLinux, async (context) => {
  const folder = temporaryFolder(context);
  const [rows, dim] = [5000, 1024];
  const features = Float32Array.from({ length: rows * dim }, (_, i) => (i % 8191) / 7);
  const coords = Int32Array.from({ length: rows * 2 }, (_, i) => i);
  const writer = createFeatures(join(folder, 'bag.h5'), dim, { rows });
  for (const [start, end] of [
    [0, 3000],
    [3000, rows],
  ]) {
    writer.append(features.subarray(start * dim, end * dim), coords.subarray(start * 2, end * 2));
  }
  writer.close();
  await untilLetGo(folder);
  const read = readFeatures(join(folder, 'bag.h5'));
  assert.deepEqual(read.features, features);
  assert.deepEqual(read.coords, coords);
});

test(
  'a non-finite value in any block is reported by its row, and no file remains',
  onLinux,
  async (context) => {
    const folder = temporaryFolder(context);
    const features = new Float32Array(5000 * 1024);
    features[4321 * 1024 + 7] = NaN;
    const writer = createFeatures(join(folder, 'bag.h5'), 1024, { rows: 5000 });
    assert.throws(
      () => writer.append(features, new Int32Array(10_000)),
      /not finite[\s\S]*NaN in row 4321, column 7/,
    );
    writer.abort();
    await untilLetGo(folder);
    assert.deepEqual(readdirSync(folder), []);
  },
);

test('aborting repeatedly while writing closes descriptors only once', onLinux, async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'file');
  writeFileSync(path, '');
  const flushing = new FlushAhead(path, openSync(path, 'r'));
  for (let i = 0; i < 5; i++) flushing.wrote(8 << 20);
  flushing.abandon();
  flushing.abandon();
  await untilLetGo(folder);
});

test('a failed flush is an error, and the descriptor is closed', onLinux, () => {
  // Linux cannot flush this file and reports an error.
  const flushing = new FlushAhead('/dev/null', openSync('/dev/null', 'r'));
  const before = held('/dev/null');
  assert.throws(() => flushing.finish(), { code: 'EINVAL' });
  assert.equal(held('/dev/null'), before - 1);
});

test('a file that can no longer be opened is flushed when it is finished', onLinux, async (context) => {
  const folder = temporaryFolder(context);
  const path = join(folder, 'file');
  writeFileSync(path, 'content');
  const flushing = new FlushAhead(path, openSync(path, 'r'));
  rmSync(path);
  flushing.wrote(8 << 20);
  flushing.finish();
  await untilLetGo(folder);
});
