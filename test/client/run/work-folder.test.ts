import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { openSession, type Session } from '../../../client/server/connect.js';
import { WorkFolder } from '../../../client/run/work-folder.js';
import { RemoteRun } from '../../../client/run/remote-run.js';
import type { Plan } from '../../../domain/engine/language/plan/plan.js';
import { HOLDER, identifyWorkFolder, readHolder, requireLease } from '../../../domain/engine/store/lease.js';
import { holderPath, identityPath, runFolder } from '../../../domain/engine/store/paths.js';
import { machineIdentity } from '../../../domain/machine/machine-identity.js';
import { planOf } from '../../support/engine.js';
import { scratchFolder } from '../../support/scratch-folder.js';
import { TestServer } from '../../support/server.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

process.env.SAM_MIL_STATE = scratchFolder();

/** Two real servers that know nothing of each other; no worker, so that runs stay open. */
let servers: TestServer[];
let sessions: Session[];
before(async () => {
  servers = await Promise.all([TestServer.start(), TestServer.start()]);
  sessions = [];
  for (const { address, folder } of servers) {
    // The profile that the server has written names its certificates.
    process.env.TEMPORAL_CONFIG_FILE = join(folder, 'temporal.toml');
    sessions.push(await openSession({ address }, { start: false, log: () => undefined }));
  }
});
after(async () => {
  await Promise.all(sessions.map((session) => session.close()));
  await Promise.all(servers.map((server) => server.stop()));
});

interface Opened {
  plan: Plan;
  said: string[];
  /** The work folder as a client of the first or second server sees it. */
  folder: (server: 0 | 1, takeOver?: boolean) => WorkFolder;
}

function open(context: TestContext): Opened {
  const plan = planOf(temporaryFolder(context), [{ name: 'make', steps: [{ uses: 'stub.light' }] }]);
  const said: string[] = [];
  const say = (line: string) => void said.push(line);
  return {
    plan,
    said,
    folder: (server, takeOver) => new WorkFolder(plan.work, sessions[server], say, { takeOver }),
  };
}

test('a work folder that a run of another server holds is refused, by name and with what to do', async (context) => {
  const { plan, folder } = open(context);
  const { entry } = await folder(0).start(plan, {}, false);
  const refused = {
    code: 'InvalidInput',
    message: new RegExp(
      `${plan.work}: a run on another Temporal server uses the work folder; ` +
        `found run ${entry.run} of .* on .* since .*, Temporal server ${servers[0].address}, namespace default; ` +
        `Next: .*npx sam-mil cancel ${entry.run} --address ${servers[0].address}.*--take-over`,
    ),
  };
  await assert.rejects(folder(1).start(plan, {}, false), refused);
  await assert.rejects(folder(1).restart(entry, 'requested'), refused);
  await assert.rejects(folder(1).isHeldBy(entry), refused);
  assert.equal(await folder(0).isHeldBy(entry), true);
});

test('a folder is free again when its run has ended, or was terminated and released', async (context) => {
  const { plan, folder } = open(context);
  const first = await folder(0).start(plan, {}, false);
  writeFileSync(join(runFolder(plan.work, first.entry.run), 'run.json'), '{}');
  const second = await folder(1).start(plan, {}, false);
  assert.equal((await readHolder(plan.work))?.run, second.entry.run);
  await new RemoteRun(sessions[1].client, second.entry.run).terminate('test');
  await folder(1).release(second.entry);
  assert.equal(await readHolder(plan.work), undefined);
  await folder(0).start(plan, {}, true);
});

test('the embedded server of another user is known to be gone only if its process on this machine has ended and was not restarted', async (context) => {
  const { pid: dead } = spawnSync(process.execPath, ['-e', '']);
  const machine = machineIdentity();
  const records = temporaryFolder(context);
  const restarted = join(records, 'restarted.json');
  const facts = { address: '127.0.0.1:1', pid: process.pid, database: 'd', version: '1' };
  writeFileSync(restarted, JSON.stringify(facts));
  for (const [server, free] of [
    [{ pid: dead, machine }, true],
    [{ pid: dead, machine, record: join(records, 'removed.json') }, true],
    [{ pid: dead, machine, record: restarted }, false],
    [{ pid: process.pid, machine }, false],
    [{ pid: dead, machine: `${machine}-another-container` }, false],
  ] as const) {
    const { plan, said, folder } = open(context);
    const { entry } = await folder(0).start(plan, {}, false);
    const holder = await readHolder(plan.work);
    assert.ok(holder !== undefined);
    const embedded = { ...holder, server: 'embedded', cluster: 'another', process: server };
    writeFileSync(holderPath(plan.work), HOLDER.text(embedded));
    if (!free) {
      await assert.rejects(folder(1).start(plan, {}, false), /the embedded Temporal server of .*--take-over/);
      continue;
    }
    await folder(1).start(plan, {}, false);
    assert.match(
      said.at(-1) ?? '',
      new RegExp(`^taking .* from run ${entry.run} .*: that server has ended$`),
    );
  }
});

test('--take-over ends the lease of the other run, which then must be restarted', async (context) => {
  const { plan, said, folder } = open(context);
  const first = await folder(0).start(plan, {}, false);
  const lease = {
    folder: await identifyWorkFolder(plan.work),
    id: (await readHolder(plan.work))?.lease ?? '',
  };
  await requireLease(plan.work, lease);
  const second = await folder(1, true).start(plan, {}, false);
  assert.match(said.at(-1) ?? '', new RegExp(`^taking the work folder from run ${first.entry.run} of `));
  await assert.rejects(requireLease(plan.work, lease), {
    code: 'TakenOver',
    message: new RegExp(`found run ${second.entry.run} of .*, Temporal server ${servers[1].address}`),
  });
  await assert.rejects(
    folder(0).isHeldBy(first.entry),
    /a run on another Temporal server uses the work folder/,
  );
  writeFileSync(join(runFolder(plan.work, second.entry.run), 'run.json'), '{}');
  assert.equal(await folder(0).isHeldBy(first.entry), false, 'its lease has ended');
});

test('a run continues with its lease; a deleted scratch folder is recreated, a moved work folder needs a restart', async (context) => {
  const { plan, said, folder } = open(context);
  const { entry } = await folder(0).start(plan, {}, false);
  rmSync(join(plan.work, '.scratch'), { recursive: true });
  const again = await folder(0).start(plan, {}, false);
  assert.deepEqual([again.entry.run, again.isNew], [entry.run, false]);
  const holder = await readHolder(plan.work);
  const id = await identifyWorkFolder(plan.work);
  await requireLease(plan.work, { folder: id, id: holder?.lease ?? '' });

  const moved = join(temporaryFolder(context), 'moved');
  renameSync(plan.work, moved);
  const there = new WorkFolder(moved, sessions[0], (line) => void said.push(line));
  const movedEntry = { ...entry, work: moved };
  assert.equal(await there.isHeldBy(movedEntry), false);
  const restarted = await there.restart(movedEntry, 'moved');
  assert.equal(restarted.work, moved);
  assert.equal((await readHolder(moved))?.work, moved);
  assert.equal(await identifyWorkFolder(moved), id, 'the same folder');
});

test('a run whose work folder has lost its identity needs a restart, which gives the folder a new one', async (context) => {
  const { plan, folder } = open(context);
  const { entry } = await folder(0).start(plan, {}, false);
  for (const damage of ['', '{"work": 1, "id": "another"}']) {
    writeFileSync(identityPath(plan.work), damage);
    assert.equal(await folder(0).isHeldBy(entry), false, damage);
    await folder(0).restart(entry, 'damaged');
    assert.equal(await folder(0).isHeldBy(entry), true, damage);
  }
});
