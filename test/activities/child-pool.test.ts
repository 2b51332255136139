import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ChildPool } from '../../activities/child/pool.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('a child has a process group of its own, where no Ctrl-C reaches it; closing the pool ends it', async (context) => {
  const folder = temporaryFolder(context);
  const pool = new ChildPool();
  context.after(() => pool.close());
  const places = { work: folder, run: 'run', name: 'item', scratch: folder, checkpoint: folder };
  const job = { activity: 'no.such-activity', with: {}, hidden: {}, ...places };
  const listener = { onProgress: () => undefined, onLog: () => undefined };
  await assert.rejects(pool.run('node', job, listener, new AbortController().signal));
  const [child] = pool.pids;
  // Signal 0 to a group finds out whether there is one of that number: a child of this process's group leads none.
  assert.ok(process.kill(-child, 0));
  await pool.close();
  assert.throws(() => process.kill(child, 0), { code: 'ESRCH' });
});
