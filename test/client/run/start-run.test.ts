import assert from 'node:assert/strict';
import { test } from 'node:test';
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
