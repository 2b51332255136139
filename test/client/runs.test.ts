import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { before, test } from 'node:test';
import {
  InvalidPipelineError,
  resumeRun,
  runPipeline,
  runStatus,
  SamMilError,
  validatePipeline,
} from '../../client/index.js';
import type { StepResources } from '../../domain/engine/store/step-resources.js';
import { gateOf, lastObject, startCli, TOY_PLUGIN, writeToyPipeline } from '../support/cli.js';
import { Operator } from '../support/operator.js';
import { smallDisk } from '../support/small-disk.js';

const operator = new Operator();
const { sam } = operator;
let folder: string;
before(() => (folder = operator.folder));

const plugin = ['--plugin', TOY_PLUGIN];

test('a run creates its files; a second run finds nothing to do', async () => {
  writeToyPipeline(folder, 'twice');
  const first = await sam('run', 'twice.yaml', '--json', ...plugin);
  assert.equal(first.code, 0, first.stderr);
  const { run, resources, ...rest } = lastObject(first);
  const used = resources as StepResources[];
  assert.deepEqual(
    used.map(({ step, items }) => [step, items]),
    [
      ['make', 3],
      ['count', 1],
    ],
  );
  assert.match(run as string, /^twice-\d{8}-\d{6}-[a-z0-9]{3}$/);
  assert.deepEqual(rest, {
    status: 'done',
    work: join(folder, 'work', 'twice'),
    stages: [
      { name: 'make', state: 'done', total: 3, done: 3, cached: 0, idle: 0, skipped: 0, failed: 0 },
      { name: 'count', state: 'done', total: 1, done: 1, cached: 0, idle: 0, skipped: 0, failed: 0 },
    ],
    failed: [],
  });
  assert.equal(readFileSync(join(folder, 'work/twice/make/texts/b.txt'), 'utf8'), 'b\n');
  assert.equal(readFileSync(join(folder, 'work/twice/count/count.txt'), 'utf8'), '3\n');

  const second = await sam('run', 'twice.yaml', ...plugin);
  assert.equal(second.code, 0);
  assert.match(
    second.stdout,
    /^using the embedded Temporal server at 127\.0\.0\.1:\d+ and the worker that serves it$/m,
  );
  assert.match(second.stdout, /done: nothing to do, all 4 items are up to date/);
  assert.match((await sam('logs', run as string, 'make@b')).stdout, /info make#1 done in/);
  assert.match((await sam('ls')).stdout, /^twice-\S+ +done /m);
});

test('a run is refused next to a worker without its plugin, which would fail its steps', async () => {
  const file = writeToyPipeline(folder, 'foreign');
  const other = join(folder, 'other.mjs');
  const toy = JSON.stringify(pathToFileURL(TOY_PLUGIN).href);
  writeFileSync(
    other,
    `import { plugin as toy } from ${toy};\nexport const plugin = { ...toy, name: 'other' };\n`,
  );
  const refused = await sam('run', file, '--plugin', other);
  assert.equal(refused.code, 2, refused.stdout);
  assert.match(
    refused.stderr,
    new RegExp(`process id ${operator.workerPid} serves 127\\.0\\.0\\.1:\\d+ without the plugin ${other}`),
  );
  assert.deepEqual(readdirSync(join(folder, 'work', 'foreign', '.runs')), [], 'nothing was started');
});

test('failed items hold the run; resume runs only them', async () => {
  const stop = join(folder, 'stop-held');
  writeToyPipeline(folder, 'held', stop);
  writeFileSync(stop, '');
  const held = await sam('run', 'held.yaml', ...plugin);
  assert.equal(held.code, 1);
  assert.match(held.stdout, /held: make, 3 of 3 items failed/);
  assert.match(held.stdout, /✘ make@a {2}Internal: .*stop-held is in the way/);
  const run = /^held-\S+/m.exec(held.stdout)?.[0] ?? '';
  const status = lastObject(await sam('status', run, '--json'));
  assert.deepEqual([status.run, status.status, (status.failed as object[]).length], [run, 'held', 3]);

  rmSync(stop);
  const resumed = await sam('resume', 'held', '--json', ...plugin);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stderr, /retrying what failed/);
  assert.deepEqual([lastObject(resumed).run, lastObject(resumed).status], [run, 'done']);
});

test('a run that a later one has replaced is not held any more, and does not keep gc from its work', async () => {
  const stop = join(folder, 'stop-old');
  writeToyPipeline(folder, 'old', stop);
  writeFileSync(stop, '');
  const held = lastObject(await sam('run', 'old.yaml', '--json', ...plugin)).run as string;
  rmSync(stop);
  const done = lastObject(await sam('run', 'old.yaml', '--set', 'steps=2', '--json', ...plugin))
    .run as string;
  assert.match((await sam('ls')).stdout, new RegExp(`^${held} +replaced `, 'm'));
  const status = (await sam('status', held)).stdout;
  assert.match(status, new RegExp(`replaced by run ${done}; finished work is kept`));
  assert.equal((await sam('gc', 'work/old')).code, 0);

  const again = await sam('resume', held, '--json', ...plugin);
  assert.equal(again.code, 0, again.stderr);
  assert.match((await sam('ls')).stdout, new RegExp(`^${held} +done `, 'm'));
});

test('a client whose run is cancelled elsewhere says that it was cancelled', async () => {
  for (const how of [[], ['--now']]) {
    writeToyPipeline(folder, 'ended');
    writeFileSync(gateOf(folder, 'ended'), '');
    const client = startCli(folder, 'run', 'ended.yaml', '--new', ...plugin);
    await client.says('make: running');
    const cancelled = await sam('cancel', ...how);
    assert.equal(cancelled.code, 0, cancelled.stderr);
    const { code, stdout } = await client.ended;
    assert.equal(code, 1);
    assert.match(stdout, /^ended-\S+ {2}cancelled.*finished work is kept/m);
    assert.match((await sam('ls')).stdout, /^ended-\S+ +cancelled /m);
  }
  rmSync(gateOf(folder, 'ended'));
});

test('a full disk is named, at the start or in the middle; once there is space the run continues', async (context) => {
  const disk = smallDisk(context, 512);
  if (disk === undefined) return;
  const filler = join(disk, 'filler');
  const work = join(disk, 'work');
  writeToyPipeline(folder, 'full');
  writeFileSync(filler, new Uint8Array(512 << 10));
  const refused = await sam('run', 'full.yaml', '--work', work, ...plugin);
  assert.match(refused.stderr, /^sam-mil: .*: the disk is full\n {2}next {5}free some space/m);

  rmSync(filler);
  writeFileSync(gateOf(folder, 'full'), '');
  const command = startCli(folder, 'run', 'full.yaml', '--work', work, ...plugin);
  await command.says(/make: running, 0\/3/);
  fill(filler);
  rmSync(gateOf(folder, 'full'));
  await command.says(/the run waits and retries automatically: .*results.*: the disk is full/);
  rmSync(filler);
  const held = await command.ended;
  assert.match(held.stdout, /held: make, 3 of 3 items failed/);
  assert.match(held.stdout, /✘ make@a {2}DiskFull: /);
  const resumed = await sam('resume', '--json', ...plugin);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(lastObject(resumed).status, 'done');
});

/** Writes until the disk has no space for another byte. */
function fill(file: string): void {
  for (const bytes of [4096, 1]) {
    try {
      for (;;) appendFileSync(file, new Uint8Array(bytes));
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
    }
  }
}

test('a held run continues without what failed after a skip', async () => {
  const stop = join(folder, 'stop-skip');
  writeToyPipeline(folder, 'skipped', stop);
  writeFileSync(stop, '');
  assert.equal((await sam('run', 'skipped.yaml', ...plugin)).code, 1);
  const refused = await sam('skip', 'skipped', 'nope', ...plugin);
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /run skipped-\S+ has no stage nope\n {2}next +stages: make, count/);
  assert.doesNotMatch(refused.stderr, /bug/);
  const outcome = await sam('skip', 'skipped', 'make', ...plugin);
  assert.match(outcome.stdout, /continuing without make/);
  assert.equal(readFileSync(join(folder, 'work/skipped/count/count.txt'), 'utf8'), '3\n');
});

test('Ctrl-C leaves the run to the other worker; cancel ends it; resume restarts it and skips up-to-date steps', async () => {
  writeToyPipeline(folder, 'left');
  writeFileSync(gateOf(folder, 'left'), '');
  const command = startCli(folder, 'run', 'left.yaml', ...plugin);
  await command.says(/make: running/);
  command.child.kill('SIGINT');
  const left = await command.ended;
  assert.equal(left.code, 130);
  const run = /run (left-\S+) continues without this command/.exec(left.stdout)?.[1] ?? '';
  assert.match((await sam('status', run)).stdout, new RegExp(`^${run} {2}running`));

  const cancelled = await sam('cancel', run);
  assert.equal(cancelled.code, 0, cancelled.stderr);
  assert.match(cancelled.stdout, /cancelled; finished work is kept/);
  const again = await sam('cancel', run);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /has already ended \(cancelled\)/);

  rmSync(gateOf(folder, 'left'));
  const resumed = await sam('resume', run, ...plugin);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stdout, /restarting run left-\S+ from its plan: it has ended \(cancelled\)/);
});

test('the library runs a pipeline, returns its status and refuses what cannot run', async (context) => {
  const kept = process.env.SAM_MIL_STATE;
  process.env.SAM_MIL_STATE = join(folder, 'state');
  context.after(() => (process.env.SAM_MIL_STATE = kept));
  const file = writeToyPipeline(folder, 'library');
  const options = { plugins: [TOY_PLUGIN], work: join(folder, 'library-work') };
  assert.deepEqual(await validatePipeline(file, options), []);
  const seen: string[] = [];
  const status = await runPipeline(file, { ...options, onStatus: ({ state }) => seen.push(state) });
  assert.equal(status.state, 'done');
  assert.equal(seen.at(-1), 'done');
  assert.equal((await runStatus(status.run)).state, 'done');
  const part = await runPipeline(file, { ...options, only: ['make@b'], force: ['make@b'] });
  assert.deepEqual(
    part.stages.map(({ name, total }) => [name, total]),
    [['make', 1]],
  );
  await assert.rejects(runPipeline(file, { ...options, set: { step: '1' } }), (error) => {
    assert.ok(error instanceof InvalidPipelineError && error instanceof SamMilError);
    assert.match(error.message, /unknown-param/);
    assert.deepEqual(
      [error.code, error.file, error.problems.map(({ code }) => code)],
      ['InvalidInput', file, ['unknown-param']],
    );
    return true;
  });
});

test('the library resumes a held run, and stops following when its signal aborts', async (context) => {
  const kept = process.env.SAM_MIL_STATE;
  process.env.SAM_MIL_STATE = join(folder, 'state');
  context.after(() => (process.env.SAM_MIL_STATE = kept));
  const stop = join(folder, 'stop-library');
  const file = writeToyPipeline(folder, 'library-held', stop);
  const options = { plugins: [TOY_PLUGIN], work: join(folder, 'library-held-work') };
  writeFileSync(stop, '');
  const held = await runPipeline(file, options);
  assert.equal(held.state, 'held');
  rmSync(stop);

  writeFileSync(gateOf(folder, 'library-held'), '');
  const abort = new AbortController();
  const lines: string[] = [];
  const followed = resumeRun(held.run, {
    signal: abort.signal,
    onLine: (line) => lines.push(line),
    onStatus: ({ state }) => state === 'running' && abort.abort(),
  });
  await assert.rejects(followed, (error) => {
    assert.ok(error instanceof SamMilError && error.code === 'Unavailable');
    assert.match(error.message, new RegExp(`run ${held.run} was interrupted; Next: npx sam-mil resume`));
    return true;
  });
  assert.equal(lines.at(-1), 'retrying what failed');
  assert.equal((await runStatus(held.run)).state, 'running', 'its worker is another process');

  rmSync(gateOf(folder, 'library-held'));
  assert.equal((await resumeRun(held.run)).state, 'done');
  const again = await resumeRun(held.run, { restart: true });
  assert.deepEqual(
    again.stages.map(({ name, total, cached }) => [name, total, cached]),
    [
      ['make', 3, 3],
      ['count', 1, 1],
    ],
  );
});

test('a command with --address starts no local worker, unless told to', async () => {
  const file = writeToyPipeline(folder, 'remote');
  const { address } = JSON.parse(readFileSync(join(folder, 'state', 'server.json'), 'utf8')) as {
    address: string;
  };
  const server = ['--address', address, ...plugin];
  // The worker of these tests serves another prefix, so that a local worker would be started.
  const run = startCli(folder, 'run', file, '--prefix', 'remote', ...server);
  await run.says(/using the Temporal server at \S+, namespace default\n/);
  await run.says(/no worker is polling/);
  run.child.kill('SIGINT');
  assert.match((await run.ended).stdout, /continues without this command/);
  const resumed = await sam('resume', 'latest', '--worker', ...server);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stdout, /namespace default and a local worker/);
});

test('a queue that no worker serves is named, with the command that serves it', async () => {
  const file = writeToyPipeline(folder, 'elsewhere');
  writeFileSync(
    file,
    readFileSync(file, 'utf8').replace('uses: toy.make', 'uses: toy.make\n    runs-on: far-gpu'),
  );
  const { address } = JSON.parse(readFileSync(join(folder, 'state', 'server.json'), 'utf8')) as {
    address: string;
  };
  const run = startCli(folder, 'run', 'elsewhere.yaml', '--no-worker', '--address', address, ...plugin);
  await run.says(/no worker is polling far-gpu: .*sam-mil worker --queues far-gpu/);
  const late = startCli(
    folder,
    'worker',
    '--no-set-up',
    '--queues',
    'far-gpu',
    '--address',
    address,
    ...plugin,
  );
  const { code, stderr } = await run.ended;
  assert.equal(code, 0, stderr);
  late.child.kill('SIGTERM');
  assert.equal((await late.ended).code, 0);
});
