import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceError } from '@temporalio/client';
import type { Session } from '../../../client/server/connect.js';
import { readRequest, startAgain, startRun } from '../../../client/run/start-run.js';
import type { RunInput } from '../../../workflows/messages.js';
import { planOf } from '../../support/engine.js';
import { leaseFor } from '../../support/lease.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/** A session that records what it is asked to start. */
function recordingSession(): { session: Session; started: RunInput[] } {
  const started: RunInput[] = [];
  const start = async (_: string, { args }: { args: [RunInput] }) => void started.push(args[0]);
  const session = { client: { workflow: { start } }, kind: 'embedded', address: '', namespace: 'default' };
  return { session: session as unknown as Session, started };
}

test('a restarted run keeps its selection and its forced targets', async (context) => {
  const state = process.env.SAM_MIL_STATE;
  process.env.SAM_MIL_STATE = temporaryFolder(context);
  context.after(() => {
    if (state === undefined) delete process.env.SAM_MIL_STATE;
    else process.env.SAM_MIL_STATE = state;
  });
  const { session, started } = recordingSession();
  const plan = planOf(temporaryFolder(context), [{ name: 'make', steps: [{ uses: 'stub.light' }] }]);
  const selected = { items: { make: ['a'] }, force: ['make'] };
  const take = (run: string) => leaseFor(plan.work, run);
  const entry = await startRun(session, plan, selected, take);
  await startAgain(session, entry, take);
  assert.deepEqual(
    started.map(({ items, force }) => ({ items, force })),
    [selected, selected],
  );
  assert.deepEqual(started[0].plan, started[1].plan);
  assert.equal(started[0].lease.folder, started[1].lease.folder);
  assert.notEqual(started[0].lease.id, started[1].lease.id, 'the first execution can no longer publish');

  const whole = await startRun(session, plan, { items: {}, force: [] }, take);
  assert.deepEqual(await readRequest(whole), {}, 'nothing in particular');
});

test('a development server that looks for its own parts at 127.0.0.1 is named, with what to do', async (context) => {
  // What `temporal server start-dev --ip 10.0.0.1` answers.
  const details =
    'connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:35493: connect: connection refused"';
  const cause = Object.assign(new Error(`14 UNAVAILABLE: ${details}`), { code: 14, details, metadata: {} });
  const start = () => Promise.reject(new ServiceError('Failed to start Workflow', { cause }));
  const session = { client: { workflow: { start } }, address: '10.0.0.1:7233' } as unknown as Session;
  const plan = planOf(temporaryFolder(context), [{ name: 'make', steps: [{ uses: 'stub.light' }] }]);
  const take = (run: string) => leaseFor(plan.work, run);
  await assert.rejects(startRun(session, plan, {}, take), {
    name: 'ServerUnreachable',
    message: /10\.0\.0\.1:7233 cannot reach its own parts \(dial tcp 127\.0\.0\.1:.*--ip 127\.0\.0\.1/,
  });
});
