import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { ended, manyItems, planOf, startRun, STUB_PLUGIN } from '../support/engine.js';
import { isProcessAlive } from '../../domain/machine/file-lock.js';
import { eventually, outputDigests, WorkerProcess } from '../support/processes.js';
import { TestServer } from '../support/server.js';
import { readExecutions } from '../support/stub-plugin.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** Has every kind of stage and runs long enough to be killed in the middle. */
function countingPlan(work: string): Plan {
  const step = (to: number) => ({
    uses: 'stub.count',
    with: { to, 'each-ms': 30 },
    heartbeat: '2500ms',
    retry: {
      maxAttempts: 2,
      initialInterval: '50ms',
      backoffCoefficient: 1,
      maximumInterval: '1s',
      nonRetryable: [],
    },
  });
  return planOf(work, [
    { name: 'items', source: manyItems(6), maxParallel: 2, steps: [{ ...step(40), id: 'count' }] },
    { name: 'train', needs: ['items'], steps: [step(60)] },
    {
      name: 'joined',
      needs: ['items', 'train'],
      steps: [{ uses: 'stub.join', with: { items: '${{ needs.items.items }}' } }],
    },
  ]);
}

test('SIGKILL of worker, server and both: the run still ends, with the outputs of an undisturbed run', async (context) => {
  const server = await TestServer.start();
  context.after(() => server.stop());
  const worker = new WorkerProcess(['--plugin', STUB_PLUGIN, '--concurrency', 'cpu=2'], server.environment);
  context.after(() => worker.kill());
  await worker.up();
  const connection = Connection.lazy(server.connection);
  context.after(() => connection.close());
  const client = new Client({ connection });

  const calm = temporaryFolder(context);
  const disturbed = temporaryFolder(context);
  await ended(await startRun(client, countingPlan(calm), { run: 'calm' }));

  const handle = await startRun(client, countingPlan(disturbed), { run: 'disturbed' });
  await counting(disturbed, 2, 10);
  const children = readExecutions(disturbed).map((line) => Number(line.split(' ')[2]));
  await worker.kill();
  await eventually('children die with their worker', () => !children.some(isProcessAlive), 3000);
  await worker.up();
  await counting(disturbed, 4, 10);
  await server.kill();
  await server.up();
  await counting(disturbed, 6, 10);
  await Promise.all([server.kill(), worker.kill()]);
  await server.up();
  await worker.up();
  await eventually('the stage `train` is at work', () =>
    readExecutions(disturbed).some((line) => line.includes(' train ')),
  );
  await counting(disturbed, 1, 20);
  await worker.kill();
  await worker.up();
  const status = await ended(handle);
  assert.equal(status.state, 'done', status.message);
  assert.deepEqual(outputDigests(disturbed), outputDigests(calm));
  const restarted = readExecutions(disturbed).length - readExecutions(calm).length;
  assert.ok(restarted >= 4, `${restarted} attempts were cut off`);
  const log = readFileSync(join(disturbed, '.runs', 'disturbed', 'logs', 'train', 'train.log'), 'utf8');
  assert.match(log, /resumes from \d\d/, 'from its checkpoint, not from the start');
});

test('a worker that was suspended and wakes up later damages nothing', async (context) => {
  const server = await TestServer.start();
  context.after(() => server.stop());
  const workerOf = (queues: string) =>
    new WorkerProcess(['--plugin', STUB_PLUGIN, '--queues', queues], server.environment);
  const cutOff = workerOf('cpu');
  const other = workerOf('engine,cpu');
  context.after(() => Promise.all([cutOff.kill(), other.kill()]));
  await cutOff.up();
  const connection = Connection.lazy(server.connection);
  context.after(() => connection.close());
  const work = temporaryFolder(context);
  const step = { uses: 'stub.count', with: { to: 40, 'each-ms': 40 }, heartbeat: '2500ms' };
  const handle = await startRun(
    new Client({ connection }),
    planOf(work, [{ name: 'train', steps: [step] }]),
    { run: 'cut' },
  );
  const engine = workerOf('engine');
  context.after(() => engine.kill());
  await engine.up();
  await counting(work, 1, 10);
  cutOff.signal('SIGSTOP');
  await other.up();
  const status = await ended(handle);
  assert.equal(status.state, 'done', status.message);
  const before = outputDigests(work);
  const receipt = readFileSync(join(work, '.receipts', 'train', 'train', 'count.json'), 'utf8');
  cutOff.signal('SIGCONT');
  assert.equal(await cutOff.kill('SIGTERM'), 0, 'it ends in good order');
  assert.deepEqual(outputDigests(work), before);
  assert.equal(readFileSync(join(work, '.receipts', 'train', 'train', 'count.json'), 'utf8'), receipt);
  const [lease] = readdirSync(join(work, '.scratch'));
  assert.deepEqual(readdirSync(join(work, '.scratch', lease, 'attempts', 'train')), []);
  assert.equal(readExecutions(work).length, 2);
});

/** Waits until the `nth` execution has started and some work has reached number `at`. */
async function counting(work: string, nth: number, at: number): Promise<void> {
  const numbers = () => {
    const folder = join(work, '.checkpoints');
    const names = existsSync(folder) ? readdirSync(folder) : [];
    return names.map((name) => {
      const path = join(folder, name, 'numbers.txt');
      return existsSync(path) ? readFileSync(path, 'utf8').split('\n').length - 1 : 0;
    });
  };
  await eventually(`execution ${nth} counts to ${at}`, () => {
    return readExecutions(work).length >= nth && numbers().some((number) => number >= at);
  });
}
