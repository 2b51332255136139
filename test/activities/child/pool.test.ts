import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ChildPool } from '../../../activities/child/pool.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a child has a separate process group, which Ctrl-C does not reach, and an allocator that keeps memory; closing the pool ends it', async (context) => {
  const folder = temporaryFolder(context);
  const pool = new ChildPool();
  context.after(() => pool.close());
  const places = { work: folder, run: 'run', name: 'item', scratch: folder, checkpoint: folder };
  const job = { activity: 'no.such-activity', with: {}, hidden: {}, ...places };
  const listener = { onProgress: () => undefined, onLog: () => undefined };
  await assert.rejects(pool.run('node', job, listener, new AbortController().signal));
  const [child] = pool.pids;
  // Signal 0 checks whether a process group exists; a child in this process's group leads none.
  assert.ok(process.kill(-child, 0));
  if (process.platform === 'linux') assertKeepsMemory(child);
  await pool.close();
  assert.throws(() => process.kill(child, 0), { code: 'ESRCH' });
});

/** The allocator reads its settings only when the process starts. */
function assertKeepsMemory(pid: number): void {
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  for (const name of ['MALLOC_MMAP_THRESHOLD_', 'MALLOC_TRIM_THRESHOLD_']) {
    const found = environment.find((entry) => entry.startsWith(`${name}=`));
    assert.match(found ?? '', /=\d+$/, name);
  }
}
