import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { defineActivity, type ActivityPlugin } from '../../../activities/define/define-activity.js';
import { Registry } from '../../../activities/define/registry.js';
import { checkPage } from '../../../activities/engine/check-page.js';
import { closeRun } from '../../../activities/engine/close-run.js';
import { finishStage } from '../../../activities/engine/finish-stage.js';
import { listItems } from '../../../activities/engine/list-items.js';
import { openRun } from '../../../activities/engine/read-plan.js';
import type { FinishStageInput } from '../../../activities/engine/stage-messages.js';
import { EngineContext } from '../../../activities/step/engine-context.js';
import { runStep } from '../../../activities/step/run-step.js';
import { digestOf } from '../../../domain/digest.js';
import { itemInput } from '../../../domain/engine/item/step-input.js';
import { claimPlace } from '../../../domain/engine/store/fence.js';
import type { Lease } from '../../../domain/engine/store/lease.js';
import { lockPath, planPath } from '../../../domain/engine/store/paths.js';
import { publish } from '../../../domain/engine/store/publish.js';
import { readReceipt } from '../../../domain/engine/store/receipts.js';
import { PLAN } from '../../../domain/engine/language/plan/plan-record.js';
import type { Plan } from '../../../domain/engine/language/plan/plan.js';
import { planOf } from '../../support/engine.js';
import { leaseFor } from '../../support/lease.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/* The engine's own activities of a run that was replaced while they were running. */

/** A plugin whose step and stage-level file wait for `gate`. */
function plugin(gate: { stage: Promise<void> }): ActivityPlugin {
  const definition = defineActivity({
    name: 'slow.write',
    version: 1,
    summary: 'Writes a text',
    with: {},
    required: [],
    outputs: {},
    queue: 'cpu',
    timeout: '1m',
    heartbeat: '20s',
    isolation: 'inline',
    resumesFrom: 'the start',
    load: async () => ({
      run: async ({ scratch, name }: { scratch: string; name: string }) => {
        const from = join(scratch, 'out.txt');
        writeFileSync(from, name);
        return { files: {}, alongside: [{ from, to: `${name}.txt` }] };
      },
    }),
    finishStage: async ({ folder, items }) => {
      const wait = gate.stage;
      let keys = '';
      for await (const { key, status } of items) keys += `${key} ${status}\n`;
      await wait;
      mkdirSync(join(folder, 'lists'));
      writeFileSync(join(folder, 'lists', 'all.txt'), keys);
    },
  });
  return { name: 'slow', activities: [definition] };
}

interface Stage {
  work: string;
  plan: Plan;
  engine: EngineContext;
  gate: { stage: Promise<void> };
  /** The input of the stage's end for a run with this lease. */
  input: (lease: Lease, execution: string) => Promise<FinishStageInput>;
}

async function open(context: TestContext): Promise<Stage> {
  const work = temporaryFolder(context);
  const gate = { stage: Promise.resolve() };
  const engine = new EngineContext(new Registry([plugin(gate)]));
  context.after(() => engine.close());
  const plan = planOf(work, [{ name: 'write', steps: [{ uses: 'slow.write', id: 'write' }] }]);
  const text = PLAN.text(plan);
  mkdirSync(join(work, '.runs', 'run'), { recursive: true });
  writeFileSync(planPath(work, 'run'), text);
  const ref = { path: planPath(work, 'run'), digest: digestOf(text) };
  const input = async (lease: Lease, execution: string) => {
    const scope = { run: 'run', work, plan: ref, lease, stages: ['write'], execution };
    const { manifest } = await listItems({ ...scope, needs: {} });
    const page = { manifest, needs: {}, start: 0, limit: 10, force: [] };
    const { todo } = await checkPage(engine, { ...scope, ...page });
    for (const { key } of todo) {
      const item = itemInput({ ...scope, base: work, force: [] }, plan.stages[0], key, false);
      const step = { ...item, step: 'write', with: {} };
      const attempt = { number: 1, signal: new AbortController().signal, onProgress() {}, onLog() {} };
      await runStep(engine, engine.registry.require('slow.write'), step, attempt);
    }
    const { settled } = await checkPage(engine, { ...scope, ...page });
    return { ...scope, stage: 'write', manifest, counts: settled[0] };
  };
  return { work, plan, engine, gate, input };
}

test('a stage that a replaced run ends late keeps the newer stage-level files', async (context) => {
  const { work, engine, gate, input } = await open(context);
  const late = await input(await leaseFor(work), 'one');
  let wake = (): void => undefined;
  gate.stage = new Promise((resolve) => (wake = resolve));
  const ending = finishStage(engine, late);
  ending.catch(() => undefined);
  gate.stage = Promise.resolve();
  await finishStage(engine, await input(await leaseFor(work, 'newer'), 'two'));
  const list = join(work, 'write', 'lists', 'all.txt');
  assert.equal(readFileSync(list, 'utf8'), 'write done\n');
  writeFileSync(list, 'newer\n');
  wake();
  await assert.rejects(ending, { code: 'TakenOver' });
  assert.equal(readFileSync(list, 'utf8'), 'newer\n');
});

test('the records of a replaced run are not written', async (context) => {
  const { work, engine, input } = await open(context);
  const late = await input(await leaseFor(work), 'one');
  const lease = await leaseFor(work, 'run');
  const header = { description: 'newer' };
  await openRun(engine, { ...late, lease, header });
  await assert.rejects(openRun(engine, { ...late, header: {} }), { code: 'TakenOver' });
  await assert.rejects(closeRun(engine, { ...late, header: {}, status: { state: 'cancelled' }, items: {} }), {
    code: 'TakenOver',
  });
  assert.match(readFileSync(lockPath(work, 'run'), 'utf8'), /"newer"/);
  assert.equal(existsSync(join(work, '.runs', 'run', 'run.json')), false);
});

test('outputs that a page finds valid are safe from an attempt that was cut off', async (context) => {
  const { work, engine, input } = await open(context);
  const lease = await leaseFor(work);
  const scope = await input(lease, 'one');
  const place = { stage: 'write', item: 'write', step: 'write' };
  const cutOff = await claimPlace(work, lease, place);
  const from = join(cutOff.scratch, 'old.txt');
  writeFileSync(from, 'old');
  const before = await readReceipt(work, place);
  const { todo } = await checkPage(engine, { ...scope, needs: {}, start: 0, limit: 10, force: [] });
  assert.deepEqual(
    todo.map(({ key }) => key),
    ['write'],
    'it is checked once more, by its own attempt',
  );
  const ingredients = {
    activity: 'slow.write',
    version: 1,
    name: '',
    with: { old: 1 },
    inputs: {},
    hidden: {},
  };
  const result = { files: {}, alongside: [{ from, to: 'write.txt' }] };
  const made = { run: 'run', attempt: 1, seconds: 0 };
  await assert.rejects(publish(cutOff, { ingredients, folder: 'write', result, made }));
  assert.equal(readFileSync(join(work, 'write', 'write.txt'), 'utf8'), 'write');
  assert.deepEqual(await readReceipt(work, place), before);
});
