import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { followRun, type RunServer } from '../../../client/run/follow.js';
import type { RunView } from '../../../client/run/events.js';
import type { RunStatus } from '../../../workflows/messages.js';
import { manyItems, planOf, startRun, STUB_PLUGIN } from '../../support/engine.js';
import { eventually, WorkerProcess } from '../../support/processes.js';
import { Relay } from '../../support/relay.js';
import { TestServer } from '../../support/server.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

interface Followed {
  ended: Promise<RunStatus | undefined>;
  /** What was shown or said about the server and the workers, without repetitions. */
  troubles: string[];
  views: RunView[];
  stop: AbortController;
}

/** @param address where the server is reached if not directly */
async function connectTo(
  context: TestContext,
  server: TestServer,
  address = server.address,
): Promise<RunServer> {
  const connection = Connection.lazy({ ...server.connection, address });
  context.after(() => connection.close());
  return { client: new Client({ connection }), address, reconnect: async () => false };
}

async function startAll(context: TestContext): Promise<{ server: TestServer; worker: WorkerProcess }> {
  const server = await TestServer.start();
  context.after(() => server.stop());
  const worker = new WorkerProcess(['--plugin', STUB_PLUGIN], server.environment);
  context.after(() => worker.kill());
  await worker.up();
  return { server, worker };
}

function follow(server: RunServer, run: string): Followed {
  const stop = new AbortController();
  const followed = { troubles: [] as string[], views: [] as RunView[], stop };
  const note = (trouble: string) => {
    if (followed.troubles.at(-1) !== trouble) followed.troubles.push(trouble);
  };
  const ended = followRun(server, run, {
    show: (view) => {
      followed.views.push(view);
      if (view.trouble !== undefined) note(view.trouble);
    },
    say: note,
    signal: stop.signal,
  });
  ended.catch(() => undefined);
  return { ...followed, ended };
}

/** A run of one counting step, which takes about `seconds`. */
function counting(context: TestContext, seconds: number) {
  const work = temporaryFolder(context);
  const step = { uses: 'stub.count', with: { to: seconds * 20, 'each-ms': 50 }, heartbeat: '20s' };
  return planOf(work, [{ name: 'count', source: manyItems(1), steps: [step] }]);
}

const isRunning = ({ views }: Followed) => views.some(({ activities }) => activities.length > 0);

describe('a run is followed whatever happens to its server', { concurrency: true }, () => {
  test('killed, away for 28 s, and restarted', async (context) => {
    const { server } = await startAll(context);
    const to = await connectTo(context, server);
    await startRun(to.client, counting(context, 5), { run: 'killed' });
    const followed = follow(to, 'killed');
    await eventually('the run is followed', () => isRunning(followed));
    await server.kill();
    await sleep(28_000);
    assert.match(
      followed.troubles.at(-1) ?? '',
      /Temporal server at 127.* has not answered since \d\d:\d\d:\d\d: /,
    );
    await server.up();
    assert.equal((await followed.ended)?.state, 'done');
    assert.equal(followed.views.at(-1)?.trouble, undefined);
  });

  test('stopped with SIGSTOP for 32 s', async (context) => {
    const { server } = await startAll(context);
    const to = await connectTo(context, server);
    await startRun(to.client, counting(context, 5), { run: 'frozen' });
    const followed = follow(to, 'frozen');
    await eventually('the run is followed', () => isRunning(followed));
    process.kill(server.pid ?? 0, 'SIGSTOP');
    await sleep(32_000);
    assert.match(followed.troubles.at(-1) ?? '', /has not answered since/);
    process.kill(server.pid ?? 0, 'SIGCONT');
    assert.equal((await followed.ended)?.state, 'done');
  });

  test('behind a line that stalls and resets connections', async (context) => {
    const { server } = await startAll(context);
    const [host, port] = server.address.split(':');
    const relay = await Relay.open({ host, port: Number(port) });
    context.after(() => relay.close());
    const to = await connectTo(context, server, `127.0.0.1:${relay.port}`);
    const direct = await connectTo(context, server);
    await startRun(direct.client, counting(context, 20), { run: 'bad-line' });
    const followed = follow(to, 'bad-line');
    await eventually('the run is followed', () => isRunning(followed));
    for (let round = 0; round < 4; round++) {
      relay.reset();
      await sleep(1500);
      relay.stall(true);
      await sleep(3000);
      if (round % 2 === 0) relay.reset();
      relay.stall(false);
    }
    assert.equal((await followed.ended)?.state, 'done');
  });

  test('a command that is interrupted while the server is away ends at once', async (context) => {
    const { server } = await startAll(context);
    const to = await connectTo(context, server);
    await startRun(to.client, counting(context, 60), { run: 'left' });
    const followed = follow(to, 'left');
    await eventually('the run is followed', () => isRunning(followed));
    process.kill(server.pid ?? 0, 'SIGSTOP');
    await eventually('the absence is noticed', () => followed.troubles.length > 0);
    followed.stop.abort();
    const ended = await Promise.race([followed.ended, sleep(2000, 'late')]);
    assert.equal(ended, undefined);
  });

  test('a server that has lost the run, and a run that was terminated, are not waited for', async (context) => {
    const { server } = await startAll(context);
    const to = await connectTo(context, server);
    await startRun(to.client, counting(context, 60), { run: 'ended' });
    const terminated = follow(to, 'ended');
    await eventually('the run is followed', () => isRunning(terminated));
    await to.client.workflow.getHandle('ended').terminate('replaced by another run');
    await assert.rejects(terminated.ended, {
      code: 'Unavailable',
      message: /was terminated: .*replaced by another run/,
    });

    await startRun(to.client, counting(context, 60), { run: 'lost' });
    const lost = follow(to, 'lost');
    await eventually('the second run is followed', () => isRunning(lost));
    await server.kill();
    server.forget();
    await server.up();
    await assert.rejects(lost.ended, {
      code: 'Unavailable',
      message:
        /the Temporal server does not know run lost; expected .*; Next: restart it with `npx sam-mil resume lost`/,
    });
  });

  test('a worker that no longer answers is named, and the step starts again on another one', async (context) => {
    const { server, worker } = await startAll(context);
    const to = await connectTo(context, server);
    const plan = counting(context, 30);
    await startRun(to.client, plan, { run: 'worker' });
    const followed = follow(to, 'worker');
    await eventually('the run is followed', () => isRunning(followed));
    const { pid } = worker;
    await worker.kill();
    const named = new RegExp(
      `the worker on \\S+ \\(process id ${pid}\\) has not answered since [\\d:]+: item-0 count starts again on another`,
    );
    await eventually(
      'the lost worker is named',
      () => followed.troubles.some((text) => named.test(text)),
      40_000,
    );
    await worker.up();
    assert.equal((await followed.ended)?.state, 'done');
    assert.ok(
      followed.views.some(({ activities }) =>
        activities.some(({ lastFailure }) => lastFailure?.what === 'its worker stopped answering'),
      ),
    );
  });
});
