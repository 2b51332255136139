import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { withFileLock } from '../../../domain/machine/file-lock.js';
import { machineIdentity } from '../../../domain/machine/machine-identity.js';
import { smallDisk } from '../../support/small-disk.js';

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sam-mil-lock-'));
});
after(() => rm(folder, { recursive: true }));

test('one process at a time holds the lock, and the file is removed afterwards, even after an error', async () => {
  const path = join(folder, 'a.lock');
  let inside = 0;
  let waited = 0;
  const work = async () => {
    assert.equal(++inside, 1);
    await sleep(30);
    inside--;
    throw new Error('work failed');
  };
  const both = await Promise.allSettled([1, 2].map(() => withFileLock(path, work, () => waited++)));
  assert.deepEqual(
    both.map((outcome) => outcome.status),
    ['rejected', 'rejected'],
  );
  assert.equal(waited, 1);
  assert.equal(existsSync(path), false);
});

test('the lock of a dead process is taken over immediately and silently', async () => {
  const path = join(folder, 'dead.lock');
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  await writeFile(path, `${machineIdentity()} ${pid} x`);
  const waited: string[] = [];
  assert.equal(
    await withFileLock(
      path,
      async () => 'mine',
      () => waited.push('waited'),
    ),
    'mine',
  );
  assert.deepEqual(waited, []);
});

test('the lock of another host is taken over only after it is no longer touched, whatever its clock says', async () => {
  const path = join(folder, 'far.lock');
  await writeFile(path, 'another-host 1 x');
  let done = false;
  const waiting = withFileLock(path, async () => (done = true), undefined, 3000);
  for (let touches = 0; touches < 8; touches++) {
    const past = new Date(Date.now() - 3_600_000);
    await utimes(path, past, past);
    await sleep(500);
  }
  assert.equal(done, false, 'touched by a host whose clock is an hour late');
  await waiting;
  assert.equal(done, true);
});

test('an error names a folder that cannot be created and the variables that set it', async () => {
  await writeFile(join(folder, 'file'), '');
  await assert.rejects(
    withFileLock(join(folder, 'file', 'in', 'a.lock'), async () => undefined),
    { name: 'InvalidInput', message: /file.in: the folder cannot be created.*SAM_MIL_CACHE/ },
  );
});

test('on a full disk, an error names the lock and no empty lock file remains', async (context) => {
  const disk = smallDisk(context, 4);
  if (disk === undefined) return;
  await writeFile(join(disk, 'filler'), new Uint8Array(4096));
  const lock = join(disk, 'a.lock');
  await assert.rejects(
    withFileLock(lock, async () => undefined),
    { name: 'DiskFull' },
  );
  assert.equal(existsSync(lock), false);
});
