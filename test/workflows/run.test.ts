import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { EngineContext } from '../../activities/step/engine-context.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { forecast } from '../../activities/engine/forecast.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { ended, manyItems, planOf, stageIn, STUB_PLUGIN, TestEngine, until } from '../support/engine.js';
import { control, readExecutions } from '../support/stub-plugin.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { pauseUpdate, resumeUpdate, setMaxParallelUpdate, skipUpdate } from '../../workflows/messages.js';

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.stop());

const WRITE = [{ uses: 'stub.write' }];

test('stages run in the order of their needs, and pass files and items on', async (context) => {
  const work = temporaryFolder(context);
  const a = { text: '${{ item.name }}', to: 'a', from: '${{ needs.first.outputs.file }}' };
  const b = { text: 'b', from: '${{ steps.a.outputs.file }}' };
  const steps = [
    { id: 'a', uses: 'stub.light', with: a },
    { id: 'b', uses: 'stub.write', with: b },
  ];
  const plan = planOf(work, [
    { name: 'first', steps: [{ uses: 'stub.write', with: { text: 'one' } }] },
    { name: 'items', needs: ['first'], source: manyItems(3), steps },
    {
      name: 'joined',
      needs: ['items'],
      steps: [{ uses: 'stub.join', with: { items: '${{ needs.items.items }}' } }],
    },
  ]);
  assert.deepEqual(await forecastOf(plan), {
    first: 'runs: it has not run yet',
    items: 'depends: depends on first',
    joined: 'depends: depends on items',
  });
  const status = await engine.finish(plan);
  assert.equal(status.state, 'done', status.message);
  assert.deepEqual(
    status.stages.map(({ name, state, total, done, cached }) => [name, state, total, done, cached]),
    [
      ['first', 'done', 1, 1, 0],
      ['items', 'done', 3, 3, 0],
      ['joined', 'done', 1, 1, 0],
    ],
  );
  assert.equal(readFileSync(join(work, 'items', 'item-1.txt'), 'utf8'), 'one\nitem-1\nb\n');
  const joined = readFileSync(join(work, 'joined', 'joined.txt'), 'utf8');
  assert.equal(joined, 'item-0 done\nitem-1 done\nitem-2 done\n');
  assert.match(readFileSync(join(work, 'items', 'list.csv'), 'utf8'), /^item-0,done,\{"text":"b"\}\n/);

  const before = readExecutions(work).length;
  const again = await engine.finish(plan);
  assert.equal(again.state, 'done');
  assert.match(again.message, /nothing to do/);
  assert.equal(readExecutions(work).length, before, 'the second run executes nothing');

  assert.deepEqual(await forecastOf(plan), {
    first: 'up-to-date',
    items: 'up-to-date',
    joined: 'up-to-date',
  });
  writeFileSync(join(work, 'items', 'item-1.txt'), 'damaged');
  assert.deepEqual(await forecastOf(plan), {
    first: 'up-to-date',
    items: 'runs: output items/item-1.txt has changed since it was written',
    joined: 'depends: depends on items',
  });
  plan.stages[0].steps[0].with = { text: 'two' };
  assert.equal((await forecastOf(plan)).first, 'runs: with text: one -> two');
});

test('a failing step is retried; a held run retries only what failed', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'item-1', { failTimes: 2 });
  control(work, 'item-3', { failTimes: 1, code: 'CorruptSlide' });
  const plan = planOf(work, [
    { name: 'items', source: manyItems(5), steps: WRITE },
    { name: 'after', needs: ['items'], steps: WRITE },
  ]);
  const handle = await engine.run(plan);
  const held = await until(handle, ({ state }) => state === 'held');
  assert.deepEqual([stageIn(held, 'items').done, stageIn(held, 'items').failed], [4, 1]);
  assert.match(held.message, /item-3 \(write\): CorruptSlide: item-3: told to fail/);
  assert.equal(stageIn(held, 'after').state, 'waiting');
  assert.equal(readExecutions(work).length, 5 + 2, 'two more attempts at item-1, one only at item-3');
  await assert.rejects(
    handle.executeUpdate(resumeUpdate, { args: [{ stages: ['after'] }] }),
    (error: Error) => {
      return /is not held; held stages: items/.test(String(error.cause));
    },
  );

  await handle.executeUpdate(resumeUpdate, { args: [{}] });
  const status = await ended(handle);
  assert.equal(status.state, 'done', status.message);
  assert.equal(readExecutions(work).length, 7 + 1 + 1, 'item-3 and the stage after it');
});

test('skip leaves an item out, or accepts a stage with the items it has', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'item-0', { failTimes: 99, code: 'CorruptSlide' });
  control(work, 'item-2', { failTimes: 99, code: 'CorruptSlide' });
  const plan = planOf(work, [
    { name: 'items', source: manyItems(3), steps: WRITE },
    {
      name: 'after',
      needs: ['items'],
      steps: [{ uses: 'stub.join', with: { items: '${{ needs.items.items }}' } }],
    },
  ]);
  const handle = await engine.run(plan);
  await until(handle, ({ state }) => state === 'held');
  await assert.rejects(
    handle.executeUpdate(skipUpdate, { args: [{ target: 'items@item-9' }] }),
    (error: Error) =>
      /no item `item-9` failed in `items`; failed items: item-0, item-2/.test(String(error.cause)),
  );
  await handle.executeUpdate(skipUpdate, { args: [{ target: 'items@item-0' }] });
  const held = await until(handle, ({ state, stages }) => state === 'held' && stages[0].skipped === 1);
  assert.equal(stageIn(held, 'items').failed, 1);
  await handle.executeUpdate(skipUpdate, { args: [{ target: 'items' }] });
  const status = await ended(handle);
  assert.equal(status.state, 'done', status.message);
  const joined = readFileSync(join(work, 'after', 'joined.txt'), 'utf8');
  assert.equal(joined, 'item-0 skipped\nitem-1 done\nitem-2 failed\n');
});

test('pause lets nothing start, resume continues, max-parallel can be changed meanwhile', async (context) => {
  const work = temporaryFolder(context);
  for (let item = 0; item < 6; item++) control(work, `item-${item}`, { sleepMs: 150 });
  const plan = planOf(work, [
    { name: 'items', source: manyItems(6), maxParallel: 1, steps: [{ uses: 'stub.light' }] },
  ]);
  const handle = await engine.run(plan);
  await until(handle, ({ stages }) => stages.some(({ done }) => done > 0));
  const paused = await handle.executeUpdate(pauseUpdate);
  assert.equal(paused.state, 'paused');
  await assert.rejects(handle.executeUpdate(pauseUpdate), (error: Error) =>
    /already paused/.test(String(error.cause)),
  );
  await new Promise((resolve) => setTimeout(resolve, 400));
  const soFar = readExecutions(work).length;
  assert.ok(soFar < 5);
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(readExecutions(work).length, soFar);
  await handle.executeUpdate(setMaxParallelUpdate, { args: [{ stage: 'items', maxParallel: 6 }] });
  const wrong = handle.executeUpdate(setMaxParallelUpdate, { args: [{ stage: 'items', maxParallel: 0 }] });
  await assert.rejects(wrong, (error: Error) => /whole number/.test(String(error.cause)));
  await handle.executeUpdate(resumeUpdate, { args: [{}] });
  const status = await ended(handle);
  assert.equal(status.state, 'done');
  assert.ok((status.waitedMs ?? 0) > 0 && (stageIn(status, 'items').waitedMs ?? 0) > 0, 'the pause is known');
  const running = await engine.client.workflow.getHandle(`${status.run}/items`).fetchHistory();
  assert.ok(running.events && mostRunning(running.events) > 1, 'several items ran at once after the change');
});

test('cancel stops running steps, waits for them, and keeps finished work', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'item-1', { hang: true });
  const plan = planOf(work, [{ name: 'items', source: manyItems(2), steps: WRITE }]);
  const handle = await engine.run(plan);
  await until(handle, ({ stages }) => stages.some(({ done }) => done === 1));
  await handle.cancel();
  await assert.rejects(ended(handle), { name: 'CancelledFailure' });
  const description = await handle.describe();
  assert.equal(description.status.name, 'CANCELLED');
  const record = JSON.parse(readFileSync(join(work, '.runs', handle.workflowId, 'run.json'), 'utf8')) as {
    state: string;
  };
  assert.equal(record.state, 'cancelled');
  assert.ok(!existsSync(join(work, 'items', 'item-1.txt')));

  control(work, 'item-1', {});
  const status = await engine.finish(plan);
  assert.deepEqual([status.state, stageIn(status, 'items').cached], ['done', 1]);
});

test('a terminated run restarts under its name and skips up-to-date steps', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'item-1', { hang: true });
  const plan = planOf(work, [{ name: 'items', source: manyItems(2), steps: WRITE }]);
  const handle = await engine.run(plan, { run: 'terminated' });
  await until(handle, ({ stages }) => stages.some(({ done }) => done === 1));
  await handle.terminate();
  control(work, 'item-1', {});
  const status = await engine.finish(plan, { run: 'terminated' });
  assert.deepEqual([status.state, stageIn(status, 'items').cached], ['done', 1], status.message);
  assert.equal(readExecutions(work).filter((line) => line.includes('item-0')).length, 1);
});

test('a crash of native code is a retryable failure and does not end the worker', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'item-0', { crashTimes: 1 });
  control(work, 'item-1', { crashTimes: 99 });
  const plan = planOf(work, [{ name: 'items', source: manyItems(2), steps: WRITE }], { onFailure: 'fail' });
  const status = await engine.finish(plan);
  assert.equal(status.state, 'failed');
  const items = stageIn(status, 'items');
  assert.deepEqual([items.done, items.failed], [1, 1]);
  const { code, what, facts } = items.failures[0].error;
  assert.deepEqual([code, what], ['ChildCrashed', 'worker process crashed (SIGSEGV)']);
  assert.match(facts.found ?? '', /^its last output:\n.*last words of the child/s);
  assert.match(facts.next ?? '', /check the input file/);
});

test('a step that stalls counts as a failed attempt and is retried', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'item-0', { freezeTimes: 1 });
  control(work, 'item-1', { freezeTimes: 99 });
  const steps = [{ id: 'count', uses: 'stub.count', with: { to: 3, 'each-ms': 10 }, stall: '1s' }];
  const plan = planOf(work, [{ name: 'items', source: manyItems(2), steps }], { onFailure: 'fail' });
  const items = stageIn(await engine.finish(plan), 'items');
  assert.deepEqual([items.done, items.failed], [1, 1]);
  assert.equal(items.failures[0].error.code, 'Stalled');
  const attempts = (item: string) => readExecutions(work).filter((line) => line.includes(item)).length;
  assert.deepEqual([attempts('item-0'), attempts('item-1')], [2, 3]);
});

test('a worker without the plugin of a step reports it, with what to do', async (context) => {
  const plan = planOf(temporaryFolder(context), [{ name: 'strange', steps: [{ uses: 'lab.stain' }] }], {
    onFailure: 'fail',
  });
  const [failure] = stageIn(await engine.finish(plan), 'strange').failures;
  const { code, what, facts } = failure.error;
  assert.equal(code, 'InvalidInput');
  assert.match(what, /^the worker \d+@\S+ has no activity `lab\.stain`$/);
  assert.match(facts.next ?? '', /--plugin/);
});

/** Returns the state of each stage, with the first reason. */
async function forecastOf(plan: Plan): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const context = new EngineContext(await loadRegistry([STUB_PLUGIN]));
  for await (const { stage, state, why, items } of forecast(context, plan)) {
    const first = why ?? items.find((item) => item.why !== undefined)?.why;
    found[stage] = first === undefined ? state : `${state}: ${first}`;
  }
  return found;
}

function mostRunning(
  events: {
    activityTaskScheduledEventAttributes?: unknown;
    activityTaskCompletedEventAttributes?: unknown;
  }[],
): number {
  let running = 0;
  let most = 0;
  for (const event of events) {
    if (event.activityTaskScheduledEventAttributes) running += 1;
    if (event.activityTaskCompletedEventAttributes) running -= 1;
    most = Math.max(most, running);
  }
  return most;
}
