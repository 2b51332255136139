import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { after, before, test, type TestContext } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { digestOf } from '../../domain/digest.js';
import type { Lease } from '../../domain/engine/store/lease.js';
import { leaseFolder, planPath } from '../../domain/engine/store/paths.js';
import { newTally } from '../../domain/engine/item/tally.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { engineQueue, STAGE_WORKFLOW, type StageOutcome } from '../../workflows/messages.js';
import type { StageInput } from '../../workflows/stage-input.js';
import { ended, planOf, startRun } from '../support/engine.js';
import { leaseFor } from '../support/lease.js';
import { eventually } from '../support/processes.js';
import { TestServer } from '../support/server.js';

/*
 * A worker of the account `nobody` on a server that everybody reaches, and a work folder of another account.
 * The worker may read and write the folder, so that only its own refusal protects it.
 */
const NOBODY = 65534;
const PROGRAM = fileURLToPath(new URL('../../client/main.js', import.meta.url));

function problem(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can run a worker of another account';
  const { status } = spawnSync('setpriv', [...identity, process.execPath, PROGRAM, '--version']);
  return status === 0 ? undefined : 'setpriv cannot run sam-mil as another account here';
}

const identity = ['--reuid', `${NOBODY}`, '--regid', `${NOBODY}`, '--clear-groups'];
const skip = problem();

let server: TestServer;
let client: Client;
before(async () => {
  if (skip !== undefined) return;
  server = await TestServer.start();
  client = new Client({ connection: await Connection.connect(server.connection) });
});
after(async () => {
  await client?.connection.close();
  await server?.stop();
});

/** Starts a worker of `nobody` and resolves when it polls. */
async function startWorker(context: TestContext, ...options: string[]): Promise<void> {
  const state = folderOf(context, NOBODY);
  const args = ['worker', '--no-set-up', ...options];
  const child = spawn('setpriv', [...identity, process.execPath, PROGRAM, ...args], {
    env: {
      ...process.env,
      ...server.environment,
      HOME: state,
      SAM_MIL_STATE: state,
      SAM_MIL_CACHE: join(state, 'cache'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.after(async () => {
    const gone = new Promise((done) => child.once('exit', done));
    if (child.exitCode === null) child.kill('SIGTERM');
    if (child.exitCode === null) await gone;
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text: Buffer) => (output += text.toString()));
  await eventually('the worker polls', () => {
    if (child.exitCode !== null) throw new Error(output);
    return output.includes('worker serves');
  });
}

function folderOf(context: TestContext, uid: number): string {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-account-'));
  chmodSync(folder, 0o755);
  chownSync(folder, uid, uid);
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A plan that copies a file within the work folder, which everybody may write to. */
function planIn(work: string): Plan {
  writeFileSync(join(work, 'secret.csv'), 'slide,label\n');
  const step = { uses: 'pipeline.copy', with: { files: ['secret.csv'], to: join(work, 'copied') } };
  return planOf(work, [{ name: 'copy', steps: [step] }]);
}

/** Prepares a run: its files belong to an account, and root's may be written by everybody. */
async function give(work: string, run: string, plan: Plan, uid: number): Promise<Lease> {
  const lease = await leaseFor(work, run);
  mkdirSync(join(work, '.runs', run));
  writeFileSync(planPath(work, run), JSON.stringify(plan));
  if (uid === 0) spawnSync('chmod', ['-R', 'a+rwX', work]);
  else spawnSync('chown', ['-R', `${uid}:${uid}`, work]);
  return lease;
}

const list = (work: string) => readdirSync(work, { recursive: true }).sort();

test(
  'a worker carries out no plan of another account, reads and writes nothing there, and says --serve',
  { skip },
  async (context) => {
    await startWorker(context);
    const work = folderOf(context, 0);
    const plan = planIn(work);
    const lease = await give(work, 'foreign', plan, 0);
    const before = list(work);
    const handle = await startRun(client, plan, { run: 'foreign', lease });
    await assert.rejects(ended(handle), {
      type: 'Refused',
      message: new RegExp(
        `does not carry out plans in this work folder.*belongs to the account with id 0.*--serve ${work}`,
      ),
    });
    assert.deepEqual(list(work), before);
  },
);

test('a step that is called without a run is refused as well', { skip }, async (context) => {
  await startWorker(context);
  const work = folderOf(context, 0);
  const plan = planIn(work);
  const lease = await give(work, 'direct', plan, 0);
  const before = list(work);
  const ref = { path: planPath(work, 'direct'), digest: digestOf(JSON.stringify(plan)) };
  const outcomes = await client.workflow.execute<(input: StageInput) => Promise<StageOutcome[]>>(
    STAGE_WORKFLOW,
    {
      taskQueue: engineQueue(),
      workflowId: 'direct/copy',
      args: [stageInput(work, plan, { run: 'direct', work, plan: ref, lease })],
    },
  );
  assert.equal(outcomes[0].state, 'failed');
  assert.equal(outcomes[0].error?.code, 'Refused');
  assert.deepEqual(list(work), before);
  assert.deepEqual(readdirSync(leaseFolder(work, lease.id)), ['sealed']);
});

test(
  'a worker carries out plans of its own account, and those in folders that it was told to serve',
  { skip },
  async (context) => {
    const shared = folderOf(context, 0);
    await startWorker(context, '--serve', shared);
    const work = join(shared, 'study');
    mkdirSync(work);
    const own = folderOf(context, NOBODY);
    for (const [folder, run, uid] of [
      [work, 'shared', 0],
      [own, 'own', NOBODY],
    ] as const) {
      const plan = planIn(folder);
      const lease = await give(folder, run, plan, uid);
      const { state, message } = await ended(await startRun(client, plan, { run, lease }));
      assert.equal(state, 'done', message);
    }
  },
);

/** The state of a stage that has listed its only item, so that the step is the first activity. */
function stageInput(work: string, plan: Plan, scope: StageInput['scope']): StageInput {
  const manifest = { file: { path: 'manifest.jsonl', digest: '', bytes: 0 }, count: 0 };
  return {
    scope,
    stages: ['copy'],
    needs: {},
    maxParallel: {},
    paused: false,
    force: [],
    leaveOut: [],
    state: {
      execution: 'execution',
      listed: { stages: plan.stages, base: work, manifest, folders: [false], cells: {} },
      cursor: 0,
      batch: 0,
      pending: [{ index: 0, position: 0, key: 'copy', fields: {}, steps: {} }],
      startedAt: 0,
      tallies: [newTally(1)],
      workloads: [{}],
    },
  };
}
