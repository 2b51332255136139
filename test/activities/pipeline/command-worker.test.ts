import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { requirePlannedWith } from '../../../activities/step/require-scope.js';
import type { StepPlan } from '../../../domain/engine/language/plan/plan.js';
import { isProcessAlive } from '../../../domain/machine/file-lock.js';
import type { JsonObject } from '../../../domain/json.js';
import { ended, planOf, stageIn, startRun } from '../../support/engine.js';
import { eventually, WorkerProcess } from '../../support/processes.js';
import { findPython } from '../../support/python.js';
import { TestServer } from '../../support/server.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

async function start(context: TestContext, ...args: string[]) {
  const server = await TestServer.start();
  context.after(() => server.stop());
  const worker = new WorkerProcess(args, server.environment);
  context.after(() => worker.kill());
  await worker.up();
  const connection = Connection.lazy(server.connection);
  context.after(() => connection.close());
  return { worker, client: new Client({ connection }), work: temporaryFolder(context) };
}

const COUNT = `
import os, sys, time
state = os.path.join(os.environ['SAM_MIL_CHECKPOINT'], 'count')
count = int(open(state).read()) if os.path.exists(state) else 0
with open(sys.argv[1], 'a') as log:
    log.write(f'{os.getpid()} starts at {count}\\n')
while count < 60:
    time.sleep(0.05)
    count += 1
    with open(state + '.new', 'w') as file:
        file.write(str(count))
    os.replace(state + '.new', state)
with open('count.txt', 'w') as file:
    file.write(str(count))
`;

test(
  'SIGKILL of the worker ends its programs, and the next worker continues from their checkpoint folder',
  { skip: findPython([]).skip },
  async (context) => {
    const { worker, client, work } = await start(context);
    const log = join(work, 'starts');
    writeFileSync(join(work, 'count.py'), COUNT);
    const given = {
      script: 'count.py',
      command: ['python3', '{script}', '{params.log}'],
      params: { log },
      outputs: { count: 'count.txt' },
    };
    const plan = planOf(work, [
      { name: 'count', steps: [{ uses: 'pipeline.command', with: given, heartbeat: '2500ms' }] },
      {
        name: 'use',
        needs: ['count'],
        steps: [
          {
            uses: 'pipeline.command',
            with: {
              command: ['cp', '{inputs.count}', 'copy.txt'],
              inputs: { count: '${{ needs.count.outputs.count }}' },
              outputs: { copy: 'copy.txt' },
            },
          },
        ],
      },
    ]);
    const handle = await startRun(client, plan, { run: 'counting' });
    const starts = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []);
    const checkpoint = () => JSON.stringify(starts()) !== '[]' && countIn(work) >= 20;
    await eventually('it has counted to 20', checkpoint);
    await worker.kill();
    const program = Number(starts()[0].split(' ')[0]);
    await eventually('the program dies with the worker', () => !isProcessAlive(program), 5000);
    await worker.up();
    const status = await ended(handle);
    assert.equal(status.state, 'done', status.message);
    assert.equal(readFileSync(join(work, 'use', 'copy.txt'), 'utf8'), '60');
    assert.equal(starts().length, 2);
    assert.ok(Number(starts()[1].split(' ').at(-1)) >= 20, starts()[1]);
  },
);

function countIn(work: string): number {
  const folder = join(work, '.checkpoints');
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const files = names.map((name) => join(folder, name, 'count')).filter((file) => existsSync(file));
  return Number(files.length === 0 ? 0 : readFileSync(files[0], 'utf8'));
}

test('a worker with --commands none runs no program, and says so', async (context) => {
  const { client, work } = await start(context, '--commands', 'none');
  const marker = join(work, 'marker');
  const steps = [{ uses: 'pipeline.command', with: { command: ['touch', marker] } }];
  const plan = planOf(work, [{ name: 'touch', steps }], { onFailure: 'fail' });
  const status = await ended(await startRun(client, plan, { run: 'refused' }));
  const [{ error }] = stageIn(status, 'touch').failures;
  assert.equal(error.code, 'Refused', error.what);
  assert.equal(existsSync(marker), false);
});

test('a command is refused if it is called with other parameters than the plan says', () => {
  const planned = {
    id: 'step',
    with: {
      command: ['python3', '{script}', '--slide=${{ slide.path }}.svs', '${{ slide.level }}'],
      script: 'run.py',
      outputs: { table: '${{ slide.key }}/a.csv' },
    },
  } as unknown as StepPlan;
  const good = {
    command: ['python3', '{script}', '--slide=/a/b.svs', 3],
    script: 'run.py',
    outputs: { table: 'x/a.csv' },
  };
  requirePlannedWith(planned, good);
  const [python, script, slide, level] = good.command;
  const others: JsonObject[] = [
    { ...good, command: ['sh', script, slide, level] },
    { ...good, command: [python, script, '--other=/a/b.svs', level] },
    { ...good, command: [python, script, '--slide=/a/b', level] },
    { ...good, command: [python, script, slide] },
    { ...good, command: [python, script, slide, level, '-x'] },
    { ...good, command: 'sh' },
    { ...good, script: 'other.py' },
    { ...good, outputs: { table: 'x/a.csv', more: 'b' } },
    { ...good, outputs: {} },
    { ...good, env: { PATH: '/other' } },
    { command: good.command, script: good.script },
  ];
  for (const other of others) {
    assert.throws(() => requirePlannedWith(planned, other), { code: 'Refused' }, JSON.stringify(other));
  }
});
