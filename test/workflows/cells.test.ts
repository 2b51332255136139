import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { forecast } from '../../activities/engine/forecast.js';
import { preflight } from '../../activities/engine/preflight.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import { EngineContext } from '../../activities/step/engine-context.js';
import { preflightLines, refuseFaults } from '../../client/run/preflight.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { checkForced } from '../../domain/engine/language/select-stages.js';
import { resumeUpdate, skipUpdate } from '../../workflows/messages.js';
import { ended, stageIn, STUB_PLUGIN, TestEngine, until } from '../support/engine.js';
import { realPlan } from '../support/real-plan.js';
import { control, readExecutions } from '../support/stub-plugin.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** A stage with items in each of two cells, and one per cell that follows it. */
const PIPELINE = `
pipeline: 1
name: cells
defaults: { retry: { max-attempts: 1 } }
stages:
  write:
    foreach: { csv: table.csv, as: row, key: name }
    matrix: { size: [10, 20] }
    uses: stub.light
    with: { from: "\${{ row.path }}", text: "\${{ format('{0} {1}', row.name, matrix.size) }}" }
  join:
    foreach: { from: write, as: row }
    needs: write
    uses: stub.light
    with: { from: "\${{ needs.write.outputs.file }}", text: joined }
`;

let engine: TestEngine;
before(async () => {
  engine = await TestEngine.start();
});
after(() => engine.stop());

const ITEMS = ['a', 'b', 'c'];
const CELLS = ['write-10', 'write-20'];

class Study {
  readonly folder: string;
  readonly work: string;

  constructor(context: TestContext) {
    this.folder = temporaryFolder(context);
    this.work = temporaryFolder(context);
    this.list(ITEMS.map((name) => `${name},${name}.txt`));
    for (const name of ITEMS) writeFileSync(join(this.folder, `${name}.txt`), `${name}\n`);
  }

  list(rows: readonly string[]): void {
    writeFileSync(join(this.folder, 'table.csv'), `name,path\n${rows.join('\n')}\n`);
  }

  plan(): Promise<Plan> {
    const file = join(this.folder, 'cells.yaml');
    return realPlan(PIPELINE, { file, cwd: this.folder, work: this.work }, [STUB_PLUGIN]);
  }

  /** Runs it and returns how many items of each stage were made. */
  async made(force?: string): Promise<Record<string, number>> {
    const plan = await this.plan();
    checkForced(plan, force === undefined ? [] : [force]);
    const status = await engine.finish(plan, force === undefined ? {} : { force: [force] });
    assert.equal(status.state, 'done', status.message);
    const worked = status.stages.map(({ name, done, cached }) => [name, done - cached] as const);
    return Object.fromEntries(worked.filter(([, count]) => count > 0));
  }

  /** What `plan --why` says of the items that would run. */
  async reasons(force: string[] = []): Promise<string[]> {
    const context = new EngineContext(await loadRegistry([STUB_PLUGIN]));
    const lines: string[] = [];
    try {
      for await (const { stage, items } of forecast(context, await this.plan(), { force }))
        lines.push(
          ...items.flatMap(({ key, state, why }) => (state === 'runs' ? `${stage}@${key}: ${why}` : [])),
        );
    } finally {
      await context.close();
    }
    return lines;
  }
}

test('--force of a stage of the file runs each of its cells again, of a cell or an item only those', async (context) => {
  const study = new Study(context);
  assert.deepEqual(await study.made(), { 'write-10': 3, 'write-20': 3, 'join-10': 3, 'join-20': 3 });
  assert.deepEqual(await study.made(), {});
  assert.deepEqual(await study.made('write'), { 'write-10': 3, 'write-20': 3 });
  assert.deepEqual(await study.made('write@b'), { 'write-10': 1, 'write-20': 1 });
  assert.deepEqual(await study.made('write-20'), { 'write-20': 3 });
  assert.deepEqual(await study.made('join-10@c'), { 'join-10': 1 });
  assert.deepEqual(await study.reasons(['write@b']), ['write-10@b: forced', 'write-20@b: forced']);
  await assert.rejects(study.made('write-30'), /stage `write-30` does not exist/);
});

test('plan --why names what differs in each cell', async (context) => {
  const study = new Study(context);
  await study.made();
  assert.deepEqual(await study.reasons(), []);
  writeFileSync(join(study.folder, 'b.txt'), 'other\n');
  assert.deepEqual(
    await study.reasons(),
    CELLS.map((cell) => `${cell}@b: input from (b.txt) has different content`),
  );
  assert.deepEqual(await study.made(), { 'write-10': 1, 'write-20': 1, 'join-10': 1, 'join-20': 1 });
  rmSync(join(study.work, 'write-20', 'c.txt'));
  assert.deepEqual(await study.reasons(), ['write-20@c: output write-20/c.txt is missing']);
});

test('faults that all cells share are one, found before the run', async (context) => {
  const study = new Study(context);
  const registry = await loadRegistry([STUB_PLUGIN]);
  rmSync(join(study.folder, 'c.txt'));
  const missing = await preflight(registry, await study.plan());
  assert.deepEqual(preflightLines(missing), []);
  assert.throws(() => refuseFaults(missing.faults), /stages `write-10`, `write-20`.*c\.txt/s);
  study.list(['a,a.txt', 'a,b.txt']);
  const twice = await preflight(registry, await study.plan());
  assert.throws(() => refuseFaults(twice.faults), /stages `write-10`, `write-20`.*keys cannot be used/s);
});

test('skip and resume mean the held cells of a stage; a name that means several is refused', async (context) => {
  const study = new Study(context);
  control(study.work, 'b', { failTimes: 99, code: 'InvalidInput' });
  const handle = await engine.run(await study.plan());
  const held = await until(handle, ({ state }) => state === 'held');
  assert.deepEqual(
    CELLS.map((cell) => stageIn(held, cell).failed),
    [1, 1],
  );
  const refused = (target: string, reason: RegExp) =>
    assert.rejects(handle.executeUpdate(skipUpdate, { args: [{ target }] }), ({ cause }: Error) =>
      reason.test(String(cause)),
    );
  const several = '`write` is held in more than one cell of its matrix; name one of them';
  await refused('write', new RegExp(`${several}: write-10, write-20$`));
  await refused('write@b', new RegExp(`${several}: write-10@b, write-20@b$`));
  await refused('write-10@a', /no item `a` failed in `write-10`; failed items: b/);
  await refused('join', /only a held stage can be skipped, and `join` is not held; held stages: write-10, /);

  const before = readExecutions(study.work).length;
  await handle.executeUpdate(resumeUpdate, { args: [{ stages: ['write'] }] });
  await until(handle, ({ state }) => state === 'held' && readExecutions(study.work).length === before + 2);
  await handle.executeUpdate(skipUpdate, { args: [{ target: 'write-10@b' }] });
  await until(handle, ({ state, stages }) => state === 'held' && stages[0].skipped === 1);
  // Only one cell is held now, so that the name of the stage means it.
  await handle.executeUpdate(skipUpdate, { args: [{ target: 'write' }] });
  const status = await ended(handle);
  assert.deepEqual([status.state, stageIn(status, 'write-20').failed], ['done', 1], status.message);
});
