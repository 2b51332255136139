import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRunsFolder } from '../../../../domain/engine/store/runs-folder.js';
import { smallDisk } from '../../../support/small-disk.js';
import { temporaryFolder } from '../../../support/temporary-folder.js';

test('a work folder on a read-only disk is rejected with EROFS at any depth', async (context) => {
  const disk = smallDisk(context, 64);
  if (disk === undefined) return;
  assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0);
  for (const work of [disk, join(disk, 'study'), join(disk, 'lab', 'study')]) {
    await assert.rejects(makeRunsFolder(work), {
      code: 'InvalidInput',
      message: /cannot be written \(EROFS\)/,
    });
  }
});

test('a work folder below a file is rejected', async (context) => {
  const file = join(temporaryFolder(context), 'file');
  writeFileSync(file, '');
  await assert.rejects(makeRunsFolder(join(file, 'study')), { code: 'InvalidInput', message: /ENOTDIR/ });
});
