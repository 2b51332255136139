import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Worker } from '@temporalio/worker';
import type { StagePlan } from '../../domain/engine/language/plan/plan.js';
import { workflowCode } from '../../worker.js';
import { ended, manyItems, planOf, stageIn, TestEngine, until } from '../support/engine.js';
import { resumeUpdate } from '../../workflows/messages.js';
import { control, readExecutions } from '../support/stub-plugin.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { reasonText } from '../../workflows/stage-tally.js';

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.stop());

const LIGHT = [{ uses: 'stub.light' }];

test('many items run in pages through several executions, and the histories replay', async (context) => {
  const work = temporaryFolder(context);
  const plan = planOf(work, [{ name: 'items', source: manyItems(300), maxParallel: 20, steps: LIGHT }]);
  const limits = { pageSize: 70, maxEvents: 500 };
  const status = await engine.finish(plan, { run: 'many', limits });
  assert.equal(status.state, 'done', status.message);
  assert.deepEqual([stageIn(status, 'items').done, stageIn(status, 'items').total], [300, 300]);
  assert.equal(new Set(readExecutions(work)).size, 300, 'each item ran');
  assert.equal(readExecutions(work).length, 300, 'and none ran twice');
  assert.equal(itemsOf(work, 'many', 'items').length, 300);

  const executions = await executionsOfWorkflow('many/items');
  assert.ok(executions.length >= 3, `continued as new ${executions.length - 1} times`);
  const histories = await Promise.all(
    [...executions, await runIdOf('many')].map(async ({ workflowId, runId }) => ({
      workflowId,
      history: await engine.client.workflow.getHandle(workflowId, runId).fetchHistory(),
    })),
  );
  const longest = Math.max(...histories.map(({ history }) => history.events?.length ?? 0));
  assert.ok(longest < 800, `the longest history has ${longest} events`);
  const bundle = { code: await workflowCode() };
  assert.doesNotMatch(
    bundle.code,
    /require\(["'](node:)?(fs|path|crypto|os|child_process)["'/]/,
    'no Node built-in',
  );
  for await (const result of Worker.runReplayHistories({ workflowBundle: bundle }, histories)) {
    assert.equal(result.error, undefined);
  }

  const again = await engine.finish(plan, { run: 'many-again', limits });
  assert.deepEqual([stageIn(again, 'items').done, stageIn(again, 'items').cached], [300, 300]);
  const second = await engine.client.workflow.getHandle('many-again/items').fetchHistory();
  assert.ok((second.events?.length ?? 0) < 80, 'unchanged items cost no activity each');
  assert.deepEqual(itemsText(work, 'many-again', 'items'), itemsText(work, 'many', 'items'));
});

test('a matrix and the stage that follows it share one scheduler', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'b-1', { failTimes: 9, code: 'InvalidInput' });
  const cells = ['a', 'b'].flatMap((model) =>
    [0, 1].map((fold) => ({ key: `${model}-${fold}`, values: { model, fold } })),
  );
  const plan = planOf(work, [
    {
      name: 'train',
      source: { kind: 'matrix', cells },
      minSuccess: 0.75,
      steps: [{ uses: 'stub.light', with: { text: "${{ format('{0} {1}', matrix.model, matrix.fold) }}" } }],
    },
    {
      name: 'evaluate',
      needs: ['train'],
      source: { kind: 'from', stage: 'train', as: 'matrix' },
      steps: [
        {
          uses: 'stub.light',
          with: { text: '${{ matrix.model }}!', from: '${{ needs.train.outputs.file }}' },
        },
      ],
      outputs: { score: '${{ steps.light.outputs.length }}' },
    },
    {
      name: 'best',
      needs: ['train', 'evaluate'],
      steps: [{ uses: 'stub.light', with: { from: "${{ needs.train.cells['a-1'].file }}" } }],
    },
  ]);
  const status = await engine.finish(plan, { run: 'matrix' });
  assert.equal(status.state, 'done', status.message);
  assert.equal(stageIn(status, 'evaluate').workflowId, 'matrix/train', 'fused with its predecessor');
  assert.deepEqual([stageIn(status, 'evaluate').done, stageIn(status, 'evaluate').skipped], [3, 1]);
  assert.equal(readFileSync(join(work, 'evaluate', 'a-0', 'a-0.txt'), 'utf8'), 'a 0\na!\n');
  assert.equal(readFileSync(join(work, 'best', 'best.txt'), 'utf8'), 'a 1\nhello\n');
  const items = itemsOf(work, 'matrix', 'evaluate');
  assert.deepEqual(items[0], {
    key: 'a-0',
    fields: { model: 'a', fold: 0 },
    status: 'done',
    outputs: { score: 6 },
  });
  assert.equal(items[3].status, 'skipped');
  assert.match(items[3].reason ?? '', /failed in train: b-1: told to fail/);
  const failed = itemsOf(work, 'matrix', 'train').find(({ status }) => status === 'failed');
  assert.equal(failed?.reason, 'b-1: told to fail 9 times');
  const error = { code: 'InvalidInput', what: 'told to fail 9 times', facts: { file: 'b-1' } };
  assert.deepEqual(failed.error, error, 'without a stack, which would differ between installations');

  const again = await engine.finish(plan, { run: 'matrix-again' });
  assert.deepEqual([stageIn(again, 'train').cached, stageIn(again, 'evaluate').cached], [3, 3]);
});

test('items that every `if` of a stage excludes are done, but neither made nor unchanged', async (context) => {
  const work = temporaryFolder(context);
  const steps = [{ uses: 'stub.light', if: "item.name == 'item-1'" }];
  const plan = planOf(work, [{ name: 'some', source: manyItems(3), steps }]);
  const first = await engine.finish(plan, { run: 'some-1' });
  const counts = ({ done, cached, idle }: ReturnType<typeof stageIn>) => [done, cached, idle];
  assert.deepEqual(counts(stageIn(first, 'some')), [3, 0, 2], first.message);
  assert.match(first.message, /1 items made, 0 were up to date, 2 were left out by `if`/);
  const again = await engine.finish(plan, { run: 'some-2' });
  assert.deepEqual(counts(stageIn(again, 'some')), [3, 1, 2]);
  assert.match(again.message, /nothing to do, its one item is up to date, 2 were left out/);
});

test('an item starts in the following stage before the stage before it has ended', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'item-0', { sleepMs: 1500 });
  const plan = planOf(work, [
    { name: 'first', source: manyItems(3), steps: LIGHT },
    { name: 'second', needs: ['first'], source: { kind: 'from', stage: 'first', as: 'item' }, steps: LIGHT },
  ]);
  const status = await engine.finish(plan);
  assert.equal(status.state, 'done');
  const written = (stage: string, item: string) => statSync(join(work, stage, `${item}.txt`)).mtimeMs;
  assert.ok(written('second', 'item-1') < written('first', 'item-0'));
});

test('fail-fast stops the others; min-success tolerates some failures', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'item-00', { failTimes: 99, code: 'CorruptSlide' });
  control(work, 'item-01', { hang: true });
  const parts = { source: manyItems(12), maxParallel: 2, steps: LIGHT };
  const fast = planOf(work, [{ name: 'items', failFast: true, ...parts }], { onFailure: 'fail' });
  const stopped = stageIn(await engine.finish(fast), 'items');
  assert.deepEqual([stopped.state, stopped.failed, stopped.done], ['failed', 1, 0]);
  assert.match(stopped.reason ?? '', /1 of 12 items failed, 11 did not start/);

  control(work, 'item-01', { skip: 'no_tissue' });
  const tolerant = planOf(work, [{ name: 'items', minSuccess: 0.9, ...parts }]);
  const status = await engine.finish(tolerant);
  assert.equal(status.state, 'done', status.message);
  assert.deepEqual([stageIn(status, 'items').skipped, stageIn(status, 'items').failed], [1, 1]);
  assert.match(status.message, /1 failed items were tolerated/);
});

test('fail-fast of a following stage lets the stage before it finish, so that a resumed run lacks no item', async (context) => {
  const work = temporaryFolder(context);
  const names = [0, 1, 2, 3].map((index) => `item-${index}`);
  for (const name of names.slice(1)) {
    control(work, name, { sleepMs: 200 });
    writeFileSync(join(work, `${name}.in`), name);
  }
  const plan = planOf(work, [
    { name: 'train', source: manyItems(4), maxParallel: 1, steps: LIGHT },
    {
      name: 'evaluate',
      needs: ['train'],
      source: { kind: 'from', stage: 'train', as: 'item' },
      failFast: true,
      steps: [{ uses: 'stub.light', with: { from: "${{ format('{0}.in', item.name) }}" } }],
    },
  ]);
  const handle = await engine.run(plan, { run: 'follower', limits: { maxEvents: 30 } });
  const held = await until(handle, ({ state }) => state === 'held');
  assert.deepEqual([stageIn(held, 'train').state, stageIn(held, 'train').done], ['done', 4]);
  const { state, failed, done, reason } = stageIn(held, 'evaluate');
  assert.deepEqual([state, failed, done], ['held', 1, 0]);
  assert.match(
    reason ?? '',
    /1 of 4 items failed, 3 did not start \(fail-fast\).*item-0\.in: the file does not exist/,
  );

  writeFileSync(join(work, 'item-0.in'), 'fixed');
  await handle.executeUpdate(resumeUpdate, { args: [{}] });
  const status = await ended(handle);
  assert.deepEqual([status.state, stageIn(status, 'evaluate').done], ['done', 4]);
});

test('`if` depends on how the needed stages ended', async (context) => {
  const work = temporaryFolder(context);
  control(work, 'bad', { failTimes: 99, code: 'InvalidInput' });
  const plan = planOf(
    work,
    [
      // Has separate ingredients: `good` may end first, and its output must not be linked here.
      { name: 'bad', steps: [{ uses: 'stub.light', with: { text: 'bad' } }] },
      { name: 'good', steps: LIGHT },
      { name: 'after-bad', needs: ['bad'], steps: LIGHT },
      { name: 'mourning', needs: ['bad'], if: 'failure()', steps: LIGHT },
      { name: 'report', needs: ['after-bad', 'good'], if: 'always()', steps: LIGHT },
      { name: 'never', needs: ['good'], if: 'needs.good.outputs.length > 9', steps: LIGHT },
    ],
    { onFailure: 'continue' },
  );
  const status = await engine.finish(plan);
  assert.equal(status.state, 'failed');
  const states = Object.fromEntries(status.stages.map(({ name, state }) => [name, state]));
  assert.deepEqual(states, {
    bad: 'failed',
    good: 'done',
    'after-bad': 'skipped',
    mourning: 'done',
    report: 'done',
    never: 'skipped',
  });
  assert.equal(stageIn(status, 'after-bad').reason, 'bad did not succeed');
});

test('a source that cannot be used is refused before any work, with every reason', async (context) => {
  const work = temporaryFolder(context);
  mkdirSync(join(work, 'slides'));
  writeFileSync(join(work, 'slides', 'one.svs'), '');
  const csv = (name: string, text: string) => writeFileSync(join(work, name), text);
  csv('twice.csv', 'slide_id,path\na,slides/one.svs\na,slides/one.svs\n../b,slides/one.svs\n');
  csv('missing.csv', 'slide_id,path\na,slides/one.svs\nb,slides/two.svs\n');
  const stage = (name: string, kind: 'csv' | 'glob', value: string) =>
    ({
      name,
      source: { kind, value, as: 'slide', keyField: kind === 'csv' ? 'slide_id' : undefined },
      steps: LIGHT,
    }) as const;
  const plan = planOf(
    work,
    [
      stage('twice', 'csv', 'twice.csv'),
      stage('missing', 'csv', 'missing.csv'),
      stage('none', 'glob', 'slides/*.tif'),
      stage('no-table', 'csv', 'nowhere.csv'),
    ],
    { onFailure: 'continue' },
  );
  const status = await engine.finish(plan);
  const reason = (name: string) => reasonText(stageIn(status, name)) ?? '';
  assert.match(reason('twice'), /twice\.csv:3: key `a` is also that of .*twice\.csv:2/);
  assert.match(reason('twice'), /twice\.csv:4: key `\.\.\/b`: it starts with a dot/);
  assert.match(reason('missing'), /1 of 2 files are missing.*missing\.csv:3: .*slides\/two\.svs/s);
  assert.match(reason('none'), /slides\/\*\.tif: the source `glob` has no items/);
  assert.match(reason('no-table'), /nowhere\.csv/);
  assert.deepEqual(readExecutions(work), []);
});

interface Item {
  key: string;
  status: string;
  reason?: string;
  error?: object;
}

function itemsText(work: string, run: string, stage: string): string {
  const folder = join(work, '.runs', run, 'stages', stage);
  return readFileSync(join(folder, readdirSync(folder)[0], 'items.jsonl'), 'utf8');
}

function itemsOf(work: string, run: string, stage: string): Item[] {
  const lines = itemsText(work, run, stage).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Item);
}

async function executionsOfWorkflow(workflowId: string): Promise<{ workflowId: string; runId: string }[]> {
  const found: { workflowId: string; runId: string }[] = [];
  for await (const execution of engine.client.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
    found.push({ workflowId, runId: execution.runId });
  }
  return found;
}

async function runIdOf(workflowId: string): Promise<{ workflowId: string; runId: string }> {
  const { runId } = await engine.client.workflow.getHandle(workflowId).describe();
  return { workflowId, runId };
}

test('a history contains only the fields of an item that expressions use', async (context) => {
  const work = temporaryFolder(context);
  const fields = { label: 'used-label', patient: 'secret-patient', note: 'secret-note' };
  const source: StagePlan['source'] = { kind: 'list', value: [{ name: 'a', ...fields }], as: 'slide' };
  const make = { text: '${{ slide.label }}' };
  const later = { text: '${{ item.name }}', from: '${{ needs.make.outputs.file }}' };
  const plan = planOf(work, [
    { name: 'make', source, steps: [{ uses: 'stub.light', with: make }] },
    {
      name: 'later',
      needs: ['make'],
      source: { kind: 'from', stage: 'make', as: 'item' },
      steps: [{ uses: 'stub.light', with: later }],
    },
    {
      name: 'all',
      needs: ['make'],
      source: { kind: 'from', stage: 'make', as: 'item' },
      steps: [{ uses: 'stub.light', if: "item.note == 'secret-note'" }],
    },
  ]);
  const status = await engine.finish(plan, { run: 'private' });
  assert.equal(status.state, 'done', status.message);
  assert.match(itemsText(work, 'private', 'later'), /secret-patient.*secret-note/);
  const texts = await Promise.all(['private', 'private/make', 'private/all'].map(historyText));
  assert.ok(texts[1].includes('used-label'), 'what an expression uses travels');
  assert.ok(texts[2].includes('secret-note'));
  assert.deepEqual(
    texts.map((text) => text.includes('secret-patient')),
    [false, false, false],
  );
  assert.ok(!texts[1].includes('secret-note'));
});

/** All events of a workflow with their payloads as text. */
async function historyText(workflowId: string): Promise<string> {
  const { events } = await engine.client.workflow.getHandle(workflowId).fetchHistory();
  // Events turn their payloads into base64 when they are converted to JSON.
  return JSON.stringify(events, (name, value: unknown) =>
    name === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString('utf8') : value,
  );
}
