import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gateOf, launchCli, runCli, startCli, TOY_PLUGIN, writeToyPipeline } from '../support/cli.js';
import { fixture } from '../support/fixtures.js';
import { eventually } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const plugin = ['--plugin', TOY_PLUGIN];
const posix = { skip: process.platform === 'win32' };

/** A folder with a pipeline whose run waits until its gate is removed. */
function study(context: TestContext): string {
  const folder = temporaryFolder(context);
  writeToyPipeline(folder);
  writeFileSync(gateOf(folder), '');
  return folder;
}

function inTerminal(folder: string, text: string, before: readonly string[], ...args: string[]) {
  const prefix = ['python3', fixture('terminal/hang-up.py'), text, ...before];
  return launchCli(folder, args, { prefix });
}

async function assertPaused(folder: string): Promise<void> {
  assert.deepEqual(readdirSync(join(folder, 'state', 'users')), [], 'the server was stopped');
  assert.match((await runCli(folder, 'ls')).stdout, /^toy-\S+ +paused /m);
}

test('a terminal that closes pauses the run, like Ctrl-C', posix, async (context) => {
  const folder = study(context);
  const { stdout } = await inTerminal(folder, 'running', [], 'run', 'toy.yaml', ...plugin).ended;
  assert.match(stdout, /closed\nexit code 130\n$/);
  await assertPaused(folder);
});

test('a run under nohup continues when its terminal closes', posix, async (context) => {
  const folder = study(context);
  const run = inTerminal(folder, 'make: running', ['nohup'], 'run', 'toy.yaml', ...plugin);
  await run.says('closed');
  assert.match((await runCli(folder, 'status')).stdout, /^toy-\S+ {2}running/);
  rmSync(gateOf(folder));
  assert.match((await run.ended).stdout, /closed\nexit code 0\n$/);
  assert.match(readFileSync(join(folder, 'nohup.out'), 'utf8'), /done: 4 items made/);
});

test('a server and a worker under nohup continue when their terminal closes', posix, async (context) => {
  const folder = study(context);
  rmSync(gateOf(folder));
  const server = inTerminal(folder, 'Ctrl-C', ['nohup'], 'server');
  await server.says('closed');
  rmSync(join(folder, 'nohup.out'));
  const worker = inTerminal(folder, 'worker serves', ['nohup'], 'worker', '--no-set-up', ...plugin);
  await worker.says('closed');
  const run = await runCli(folder, 'run', 'toy.yaml', ...plugin);
  assert.match(run.stdout, /and the worker that serves it[\s\S]*done: 4 items made/);
  for (const kind of ['workers', 'users']) {
    const [pid] = readdirSync(join(folder, 'state', kind));
    process.kill(Number(pid), 'SIGTERM');
    await eventually(
      `one of the ${kind} ends`,
      () => !readdirSync(join(folder, 'state', kind)).includes(pid),
    );
  }
  await Promise.all([worker.ended, server.ended]);
});

test('a run whose output is no longer read is paused, with exit code 141', async (context) => {
  const folder = study(context);
  const run = startCli(folder, 'run', 'toy.yaml', ...plugin);
  await run.says('started the embedded');
  run.child.stdout?.destroy();
  const { code, stderr } = await run.ended;
  assert.equal(code, 141, stderr);
  assert.match(stderr, /^sam-mil: the output is no longer read, so this command stops as on Ctrl-C/);
  await assertPaused(folder);
});

test('a command whose output is not read to its end never reports success', async (context) => {
  const folder = temporaryFolder(context);
  const command = startCli(folder, 'schema');
  command.child.stdout?.destroy();
  const { code, stderr } = await command.ended;
  assert.deepEqual([code, stderr], [141, '']);
});

test('a run whose command was killed after a resume is not shown as paused', async (context) => {
  const folder = study(context);
  const run = startCli(folder, 'run', 'toy.yaml', ...plugin);
  await run.says('make: running');
  run.child.kill('SIGINT');
  await run.ended;
  await assertPaused(folder);
  const resumed = startCli(folder, 'resume', ...plugin);
  await resumed.says('make: running');
  resumed.child.kill('SIGKILL');
  await resumed.ended;
  const { pid } = JSON.parse(readFileSync(join(folder, 'state', 'server.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGKILL');
  assert.match((await runCli(folder, 'ls')).stdout, /^toy-\S+ +stopped /m);
});
