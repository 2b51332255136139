import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import type { WorkflowHandle } from '@temporalio/client';
import type { pipelineRun } from '../../workflows/index.js';
import { resumeUpdate, type RunStatus } from '../../workflows/messages.js';
import { ended, manyItems, planOf, stageIn, TestEngine, until } from '../support/engine.js';
import { leaseFor } from '../support/lease.js';
import { eventually } from '../support/processes.js';
import { control, readExecutions } from '../support/stub-plugin.js';
import { temporaryFolder } from '../support/temporary-folder.js';

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start({ workFolderPatienceMs: 1500 });
});
after(() => engine.stop());

const ITEMS = 30;

/** A run of slow items, some of which have ended. */
async function running(
  context: TestContext,
): Promise<{ work: string; handle: WorkflowHandle<typeof pipelineRun> }> {
  const work = join(temporaryFolder(context), 'study');
  mkdirSync(work);
  for (let item = 0; item < ITEMS; item++)
    control(work, `item-${String(item).padStart(2, '0')}`, { sleepMs: 80 });
  const stage = { name: 'write', source: manyItems(ITEMS), steps: [{ uses: 'stub.write' }], maxParallel: 2 };
  const handle = await engine.run(planOf(work, [stage]));
  await eventually('some items have started', () => readExecutions(work).length > 5);
  return { work, handle };
}

function held(handle: WorkflowHandle<typeof pipelineRun>): Promise<RunStatus> {
  return until(handle, ({ state }) => state === 'held', 60_000);
}

test('a work folder moved away holds its run; nothing recreates it, and back at its place the run finishes', async (context) => {
  const { work, handle } = await running(context);
  renameSync(work, `${work}-away`);
  const status = await held(handle);
  assert.equal(existsSync(work), false, 'nothing recreates it');
  const stage = stageIn(status, 'write');
  assert.equal(stage.error?.code, 'WorkFolderLost');
  assert.match(stage.error?.what ?? '', /^the work folder of the run is missing on /);
  assert.match(stage.error?.facts.next ?? '', /mount it or move it back, then resume the run/);
  renameSync(`${work}-away`, work);
  await handle.executeUpdate(resumeUpdate, { args: [{}] });
  assert.equal((await ended(handle)).state, 'done');
  assert.equal(readdirSync(join(work, 'write')).filter((name) => name.endsWith('.txt')).length, ITEMS);
});

test('an empty folder at the path, as under a lost mount, holds the run and stays empty', async (context) => {
  const { work, handle } = await running(context);
  renameSync(work, `${work}-away`);
  mkdirSync(work);
  assert.equal(stageIn(await held(handle), 'write').error?.code, 'WorkFolderLost');
  assert.deepEqual(readdirSync(work), []);
  await handle.terminate();
});

test('another work folder at the path holds the run at once and stays as it is', async (context) => {
  const { work, handle } = await running(context);
  const other = `${work}-other`;
  mkdirSync(other);
  await leaseFor(other, 'other');
  writeFileSync(join(other, 'note.txt'), 'mine');
  const list = () => readdirSync(other, { recursive: true }).sort();
  const before = list();
  renameSync(work, `${work}-away`);
  renameSync(other, work);
  const status = await held(handle);
  assert.equal(stageIn(status, 'write').error?.code, 'WorkFolderReplaced');
  renameSync(work, other);
  assert.deepEqual(list(), before);
  await handle.terminate();
});

test('a run whose folder another run has taken publishes nothing more and says who holds it', async (context) => {
  const { work, handle } = await running(context);
  await leaseFor(work, 'newer');
  const published = () => readdirSync(join(work, 'write')).length;
  const before = published();
  const { failures, error } = stageIn(await held(handle), 'write');
  const codes = [...failures.map((failure) => failure.error?.code), error?.code].filter(Boolean);
  assert.deepEqual([...new Set(codes)], ['TakenOver']);
  assert.match(
    error?.facts.found ?? '',
    /^run newer of user on host since .*, Temporal server 127\.0\.0\.1:1/,
  );
  assert.equal(published(), before);
  await handle.terminate();
});

test('a plan at another path than that of its run is refused', async (context) => {
  const work = temporaryFolder(context);
  const plan = planOf(work, [{ name: 'write', steps: [{ uses: 'stub.light' }] }]);
  await ended(await engine.run(plan, { run: 'first' }));
  cpSync(join(work, '.runs', 'first', 'plan.json'), join(work, 'plan.json'));
  rmSync(join(work, 'write'), { recursive: true });
  const digest = 'sha256:0';
  await assert.rejects(
    engine.finish(plan, { run: 'second', plan: { path: join(work, 'plan.json'), digest } }),
    { type: 'Refused', message: /the plan is not in the run's folder/ },
  );
  assert.equal(existsSync(join(work, 'write')), false);
});
