import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdirSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import { lockPath, runFolder } from '../../domain/engine/store/paths.js';
import type { pipelineRun } from '../../workflows/index.js';
import { ended, manyItems, planOf, TestEngine } from '../support/engine.js';
import { control, readExecutions } from '../support/stub-plugin.js';
import { eventually } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ pool: { graceMs: 500 } });
});
after(() => engine.stop());

const WRITE = [{ id: 'write', uses: 'stub.write' }];

/** A run whose only item hangs. */
async function hanging(context: TestContext, run: string) {
  const work = join(temporaryFolder(context), 'work');
  mkdirSync(work);
  control(work, 'item-0', { hang: true });
  const handle = await engine.run(planOf(work, [{ name: 'items', source: manyItems(1), steps: WRITE }]), {
    run,
  });
  await eventually('the item runs', () => readExecutions(work).length === 1);
  return { work, handle };
}

async function assertCancelled(handle: WorkflowHandle<typeof pipelineRun>): Promise<void> {
  await handle.cancel();
  await assert.rejects(ended(handle), { name: 'CancelledFailure' });
}

describe('a run ends whatever its work folder is like', { concurrency: true }, () => {
  test('cancelled after the folder was deleted, or replaced by a file', async (context) => {
    const deleted = await hanging(context, 'deleted');
    rmSync(deleted.work, { recursive: true });
    await assertCancelled(deleted.handle);

    const replaced = await hanging(context, 'replaced');
    renameSync(replaced.work, `${replaced.work}-moved`);
    writeFileSync(replaced.work, '');
    await assertCancelled(replaced.handle);
  });

  test(
    'cancelled while the folder does not answer',
    { skip: process.platform === 'win32' },
    async (context) => {
      const { work, handle } = await hanging(context, 'silent');
      const lock = lockPath(work, 'silent');
      rmSync(lock);
      // Reading it waits until somebody writes, like a file on a network disk whose server is gone.
      execFileSync('mkfifo', [lock]);
      await assertCancelled(handle);
      // Ends the waiting reads, which would keep this process alive.
      closeSync(openSync(lock, constants.O_RDWR | constants.O_NONBLOCK));
    },
  );

  test('done, and says that its record could not be written', async (context) => {
    const work = temporaryFolder(context);
    mkdirSync(join(runFolder(work, 'unrecorded'), 'run.json', 'in-the-way'), { recursive: true });
    const plan = planOf(work, [{ name: 'items', source: manyItems(1), steps: WRITE }]);
    const status = await engine.finish(plan, { run: 'unrecorded' });
    assert.equal(status.state, 'done');
    assert.match(
      status.message,
      /^done: 1 items made.*; the record of the run could not be written to \S+: .*run\.json: cannot be written/,
    );
  });
});
