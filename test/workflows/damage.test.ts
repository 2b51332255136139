import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { StagePlan } from '../../domain/engine/language/plan/plan.js';
import { damageFile } from '../support/damage-file.js';
import {
  ended,
  manyItems,
  planOf,
  stageIn,
  TestEngine,
  until as untilSoon,
  type StepSketch,
} from '../support/engine.js';
import { resumeUpdate, skipUpdate, type RunStatus } from '../../workflows/messages.js';
import { control, readExecutions } from '../support/stub-plugin.js';
import { temporaryFolder } from '../support/temporary-folder.js';

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.stop());

const EACH: StagePlan['source'] = { kind: 'from', stage: 'make', as: 'item' };
const GATHER = { uses: 'stub.gather', with: { items: '${{ needs.each.items }}' } };

/** Items, a second text of each, a stage that gives time to do damage, and a stage that reads all of it. */
function fourStages(work: string) {
  const make = { text: '${{ item.name }}', to: 'made' };
  const each = { text: 'more', from: '${{ needs.make.outputs.file }}' };
  const after = { text: 'after', from: '${{ needs.make.outputs.file }}', to: 'late' };
  return planOf(work, [
    { name: 'make', source: manyItems(4), steps: [{ uses: 'stub.light', with: make }] },
    { name: 'each', needs: ['make'], source: EACH, steps: [{ uses: 'stub.light', with: each }] },
    { name: 'gate', needs: ['each'], steps: [{ uses: 'stub.light' }] },
    { name: 'late', needs: ['make', 'gate'], source: EACH, steps: [{ uses: 'stub.light', with: after }] },
    { name: 'gather', needs: ['each', 'gate'], steps: [GATHER] },
  ]);
}

/** Damage waits for several stages, each of which takes a while on a busy machine. */
const until: typeof untilSoon = (handle, wanted) => untilSoon(handle, wanted, 120_000);

type Damage = (path: string) => void;
const remove: Damage = (path) => rmSync(path);
const spoil: Damage = (path) => writeFileSync(path, 'damage\n');

/** Runs the plan, and does damage while its stage `gate` runs. */
async function damagedRun(plan: ReturnType<typeof planOf>, damage: (run: string) => void) {
  control(plan.work, 'gate', { gate: true });
  const handle = await engine.run(plan);
  await until(handle, (status) =>
    status.stages.some((stage) => stage.name === 'gate' && stage.state === 'running'),
  );
  damage(handle.workflowId);
  control(plan.work, 'gate', {});
  return handle;
}

/** Every output of the stages, by path. */
function outputsOf(work: string): Record<string, string> {
  const stages = ['make', 'each', 'gate', 'late', 'gather'];
  const files = readdirSync(work, { recursive: true, encoding: 'utf8' })
    .filter((path) => stages.includes(path.split('/')[0]) && statSync(join(work, path)).isFile())
    .sort();
  return Object.fromEntries(files.map((path) => [path, readFileSync(join(work, path), 'utf8')]));
}

function codesOf(status: RunStatus, stage: string): [string, string | undefined][] {
  return stageIn(status, stage).failures.map(({ error }) => [error.code, error.facts.file]);
}

test('outputs that are changed or deleted during a run hold it by name; resume makes them again', async (context) => {
  const undisturbed = temporaryFolder(context);
  assert.equal((await engine.finish(fourStages(undisturbed))).state, 'done');

  const work = temporaryFolder(context);
  const handle = await damagedRun(fourStages(work), () => {
    damageFile(join(work, 'make/made/item-0.txt'), 'flip');
    remove(join(work, 'make/made/item-1.txt'));
    damageFile(join(work, 'make/made/item-2.txt'), 'truncate');
    remove(join(work, 'each/item-3.txt'));
  });
  const held = await until(handle, ({ state }) => state === 'held');
  assert.deepEqual(codesOf(held, 'late'), [
    ['OutputDamaged', 'make/made/item-0.txt'],
    ['OutputDamaged', 'make/made/item-1.txt'],
    ['OutputDamaged', 'make/made/item-2.txt'],
  ]);
  assert.deepEqual(codesOf(held, 'gather'), [['OutputDamaged', 'each/item-3.txt']]);
  const before = readExecutions(work);
  assert.equal(before.filter((line) => line.startsWith('gather')).length, 1, 'not retried');

  await handle.executeUpdate(resumeUpdate, { args: [{}] });
  const status = await ended(handle);
  assert.equal(status.state, 'done', status.message);
  assert.deepEqual(outputsOf(work), outputsOf(undisturbed));
  const remade = readExecutions(work).slice(before.length);
  const names = remade.map((line) => line.split(' ').slice(0, 2).join(' ')).sort();
  assert.deepEqual(
    names,
    // The first stage; the item of the second whose own output was lost; then what was held.
    [
      'gather gather',
      'write item-0',
      'write item-0',
      'write item-1',
      'write item-1',
      'write item-2',
      'write item-2',
      'write item-3',
    ],
  );
});

test('a damaged file that a child cannot read, and damage of the maker and of its input, are healed', async (context) => {
  const work = temporaryFolder(context);
  const plan = fourStages(work);
  plan.stages = plan.stages.filter(({ name }) => name !== 'late');
  const handle = await damagedRun(plan, () => {
    spoil(join(work, 'each/item-2.txt'));
    remove(join(work, 'make/made/item-2.txt'));
  });
  const held = await until(handle, ({ state }) => state === 'held');
  assert.deepEqual(codesOf(held, 'gather'), [['OutputDamaged', 'each/item-2.txt']]);
  await handle.executeUpdate(resumeUpdate, { args: [{}] });
  const status = await ended(handle);
  assert.equal(status.state, 'done', status.message);
  assert.equal(readFileSync(join(work, 'make/made/item-2.txt'), 'utf8'), 'item-2\n');
  assert.equal(readFileSync(join(work, 'each/item-2.txt'), 'utf8'), 'item-2\nmore\n');
});

test('a lost list of items between stages is made again from receipts', async (context) => {
  for (const list of ['items.jsonl', 'receipts.jsonl']) {
    const work = temporaryFolder(context);
    const plan = fourStages(work);
    const handle = await damagedRun(plan, (run) => {
      const stage = join(work, '.runs', run, 'stages/each');
      rmSync(join(stage, readdirSync(stage)[0], list));
    });
    const held = await until(handle, ({ state }) => state === 'held');
    assert.match(held.message, new RegExp(`${list}`));
    const before = readExecutions(work).length;
    await handle.executeUpdate(resumeUpdate, { args: [{}] });
    assert.equal((await ended(handle)).state, 'done');
    const made = readExecutions(work).slice(before);
    assert.ok(
      made.every((line) => line.startsWith('gather')),
      made.join(),
    );
  }
});

test('a run whose outputs were damaged is not called done, also if no later stage reads them', async (context) => {
  const work = temporaryFolder(context);
  const steps: StepSketch[] = [
    { id: 'first', uses: 'stub.light', with: { text: '${{ item.name }}', to: 'first' } },
    { id: 'last', uses: 'stub.light', with: { text: 'last', from: '${{ steps.first.outputs.file }}' } },
  ];
  const plan = planOf(work, [
    { name: 'make', source: manyItems(2), steps },
    { name: 'gate', needs: ['make'], steps: [{ uses: 'stub.light' }] },
  ]);
  const handle = await damagedRun(plan, () => remove(join(work, 'make/first/item-1.txt')));
  const held = await until(handle, ({ state }) => state === 'held');
  const { error, state } = stageIn(held, 'make');
  assert.deepEqual(
    [state, error?.code, error?.facts.found],
    ['held', 'OutputDamaged', 'make/first/item-1.txt'],
  );
  await handle.executeUpdate(resumeUpdate, { args: [{}] });
  const status = await ended(handle);
  assert.equal(status.state, 'done', status.message);
  assert.equal(readFileSync(join(work, 'make/first/item-1.txt'), 'utf8'), 'item-1\n');

  // The user may also continue as it is, or have asked to fail.
  const other = temporaryFolder(context);
  const accepted = await damagedRun({ ...plan, work: other, base: other }, () =>
    remove(join(other, 'make/item-0.txt')),
  );
  await until(accepted, (found) => found.state === 'held');
  await accepted.executeUpdate(skipUpdate, { args: [{ target: 'make' }] });
  assert.equal((await ended(accepted)).state, 'done');
  const third = temporaryFolder(context);
  const failing = await damagedRun({ ...plan, work: third, base: third, onFailure: 'fail' }, () =>
    remove(join(third, 'make/item-0.txt')),
  );
  const failed = await ended(failing);
  assert.equal(failed.state, 'failed');
  assert.match(failed.message, /make\/item-0\.txt/);
});

test('a file of an earlier stage that is given by path is recognized too', async (context) => {
  const work = temporaryFolder(context);
  const plan = planOf(work, [
    { name: 'cohort', steps: [{ uses: 'stub.light', with: { text: 'cohort' } }] },
    { name: 'gate', needs: ['cohort'], steps: [{ uses: 'stub.light' }] },
    {
      name: 'use',
      needs: ['cohort', 'gate'],
      steps: [{ uses: 'stub.light', with: { from: 'cohort/cohort.txt' } }],
    },
  ]);
  const handle = await damagedRun(plan, () => remove(join(work, 'cohort/cohort.txt')));
  const held = await until(handle, ({ state }) => state === 'held');
  assert.deepEqual(codesOf(held, 'use'), [['OutputDamaged', 'cohort/cohort.txt']]);
  await handle.executeUpdate(resumeUpdate, { args: [{}] });
  assert.equal((await ended(handle)).state, 'done');
  assert.equal(readFileSync(join(work, 'use/use.txt'), 'utf8'), 'cohort\nhello\n');
});

test('damage in a stage that the selection excludes is named, with what to do', async (context) => {
  const work = temporaryFolder(context);
  const plan = fourStages(work);
  assert.equal((await engine.finish(plan)).state, 'done');
  rmSync(join(work, 'gate'), { recursive: true });
  rmSync(join(work, '.receipts/gate'), { recursive: true });
  for (const stage of plan.stages) if (stage.name === 'make' || stage.name === 'each') stage.reuse = true;
  const handle = await damagedRun(plan, () => remove(join(work, 'make/made/item-3.txt')));
  await until(handle, ({ state }) => state === 'held');
  await handle.executeUpdate(resumeUpdate, { args: [{}] });
  const held = await until(handle, ({ state, stages }) => state === 'held' && stages[0].failed > 0);
  assert.match(
    held.message,
    /item-3.*its results are missing \(output make\/made\/item-3\.txt is missing\).*run without --only/,
  );
});

test('the receipt of a step that no longer takes part does not count', async (context) => {
  const work = temporaryFolder(context);
  const steps = (condition: string) => [
    { id: 'always', uses: 'stub.light' },
    { id: 'maybe', uses: 'stub.light', if: condition, with: { to: 'maybe' } },
  ];
  assert.equal((await engine.finish(planOf(work, [{ name: 'make', steps: steps('true') }]))).state, 'done');
  rmSync(join(work, 'make/maybe'), { recursive: true });
  assert.equal((await engine.finish(planOf(work, [{ name: 'make', steps: steps('false') }]))).state, 'done');
});

test('a stage never ends with items missing: a lost or changed results file fails it, and resume recovers', async (context) => {
  const work = temporaryFolder(context);
  const plan = (count: number) =>
    planOf(work, [
      { name: 'make', source: manyItems(count), maxParallel: 99, steps: [{ uses: 'stub.light' }] },
    ]);
  await engine.finish(plan(90));
  const damages: [file: string, damage: (path: string) => void, message: RegExp][] = [
    ['page-0', rmSync, /90 of 9\d results of the stage are missing.*without a result: item-00, item-01/],
    [
      'page-0',
      (path) => truncateSync(path, statSync(path).size - 40),
      /results\/page-0\.jsonl: the file was changed/,
    ],
    ['batch-0', rmSync, /50 of \d+ results of the stage are missing/],
  ];
  for (const [index, [file, damage, message]] of damages.entries()) {
    const count = file.startsWith('page') ? 91 + index : 200;
    const slow = `item-${String(count - 1).padStart(String(count - 1).length, '0')}`;
    control(work, slow, { gate: true });
    const run = `results-${index}`;
    const handle = await engine.run(plan(count), { run });
    const path = () => {
      const stage = join(work, '.runs', run, 'stages/make');
      return join(stage, readdirSync(stage)[0], 'results', `${file}.jsonl`);
    };
    await untilFile(path);
    damage(path());
    control(work, slow, {});
    const held = await until(handle, ({ state }) => state === 'held');
    assert.match(held.message, message);
    assert.equal(stageIn(held, 'make').error?.code, 'OutputDamaged');
    const before = readExecutions(work).length;
    await handle.executeUpdate(resumeUpdate, { args: [{}] });
    const status = await ended(handle);
    assert.deepEqual([status.state, stageIn(status, 'make').done], ['done', count], status.message);
    assert.equal(readExecutions(work).length, before, 'receipts keep the work');
  }
});

async function untilFile(path: () => string): Promise<void> {
  for (let tries = 0; tries < 4000; tries++) {
    try {
      if (statSync(path()).isFile()) return;
    } catch {
      // Not yet.
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('the results file was not written');
}
