import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { isProcessAlive } from '../../../domain/machine/file-lock.js';
import { eventually } from '../../support/processes.js';
import { freePort } from '../../support/server.js';
import { gateOf, runCli, startCli, TOY_PLUGIN, writeToyPipeline } from '../../support/cli.js';

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'sam-mil-embedded-'));
  writeToyPipeline(folder);
});
after(() => rmSync(folder, { recursive: true }));

const plugin = ['--plugin', TOY_PLUGIN];

test('run without a server starts one and a worker; Ctrl-C pauses the run and stops both; resume finishes it', async () => {
  // Left behind by a killed server, whose process id now belongs to another program.
  const record = join(folder, 'state', 'server.json');
  mkdirSync(join(folder, 'state'));
  writeFileSync(record, JSON.stringify({ address: '127.0.0.1:1', pid: process.pid }));
  writeFileSync(gateOf(folder), '');
  const command = startCli(folder, 'run', 'toy.yaml', ...plugin);
  await command.says(/started the embedded Temporal server at 127\.0\.0\.1:\d+ and a local worker/);
  await command.says(/make: running/);
  const { pid } = JSON.parse(readFileSync(record, 'utf8')) as { pid: number };
  assert.ok(isProcessAlive(pid));
  assert.match((await runCli(folder, 'status')).stdout, /^toy-\S+ {2}running/);

  command.child.kill('SIGINT');
  const stopped = await command.ended;
  assert.equal(stopped.code, 130);
  assert.match(
    stopped.stdout,
    /run (toy-\S+) is paused; nothing is lost\n +resume it +npx sam-mil resume \1/,
  );
  assert.equal(isProcessAlive(pid), false);
  assert.equal(existsSync(record), false);
  assert.deepEqual(readdirSync(join(folder, 'state', 'users')), []);
  assert.match(
    (await runCli(folder, 'status')).stdout,
    /not running.*\n[\s\S]*resume it {3}npx sam-mil resume toy-/,
  );

  assert.match((await runCli(folder, 'ls')).stdout, /^toy-\S+ +paused /m);

  const refused = await runCli(folder, 'gc', 'work/toy');
  assert.equal(refused.code, 2);
  // It asks the server, which it starts and stops for that.
  assert.match(refused.stderr, /run toy-\S+ of this work folder is open\n +next +wait for it, or end it/);
  assert.equal(existsSync(record), false);

  rmSync(gateOf(folder));
  // The plugin that the run was started with is remembered.
  const resumed = await runCli(folder, 'resume');
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stdout, /continuing where it was paused/);
  assert.match(resumed.stdout, /done: \d items made/);
  assert.equal(readFileSync(join(folder, 'work/toy/count/count.txt'), 'utf8'), '3\n');
});

test('a run continues when its embedded server crashes, and when it is stopped and started at another port', async () => {
  const record = join(folder, 'state', 'server.json');
  const read = () => JSON.parse(readFileSync(record, 'utf8')) as { pid: number; address: string };
  writeToyPipeline(folder, 'moving');
  writeFileSync(gateOf(folder, 'moving'), '');
  const command = startCli(folder, 'run', 'moving.yaml', ...plugin);
  await command.says(/make: running/);
  const first = read();
  process.kill(first.pid, 'SIGKILL');
  await eventually('the server is restarted', () => existsSync(record) && read().pid !== first.pid);
  assert.equal(read().address, first.address, 'its workers reconnect to the same port');

  const visitor = startCli(folder, 'server');
  await visitor.says(/already running[\s\S]*server --stop/);
  visitor.child.kill('SIGINT');
  assert.match((await visitor.ended).stdout, /left; the server continues for the commands that use it/);
  assert.ok(isProcessAlive(read().pid), 'who only found the server does not stop it');
  const stopped = await runCli(folder, 'server', '--stop');
  assert.deepEqual([stopped.code, stopped.stdout], [0, 'stopped\n']);
  await command.says(/the Temporal server at \S+ has not answered since/);
  const server = startCli(folder, 'server', '--port', `${await freePort()}`);
  await server.says('Web UI');
  assert.notEqual(read().address, first.address);
  rmSync(gateOf(folder, 'moving'));
  const { code, stdout, stderr } = await command.ended;
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /the Temporal server is at \S+ now[\s\S]*done: \d items made/);
  server.child.kill('SIGINT');
  assert.equal((await server.ended).code, 0);
});

test('a worker of its own follows the embedded server to another port', async () => {
  writeToyPipeline(folder, 'followed');
  const first = startCli(folder, 'server');
  await first.says('Web UI');
  const worker = startCli(folder, 'worker', '--no-set-up', ...plugin);
  await worker.says('worker serves');
  first.child.kill('SIGINT');
  assert.match((await first.ended).stdout, /stopped\n$/);
  const second = startCli(folder, 'server', '--port', `${await freePort()}`);
  await second.says('Web UI');
  await worker.says(/the Temporal server is at \S+ now\nworker serves/);
  const run = await runCli(folder, 'run', 'followed.yaml', ...plugin);
  assert.match(run.stdout, /and the worker that serves it[\s\S]*done: \d items made/, run.stderr);
  worker.child.kill('SIGTERM');
  assert.equal((await worker.ended).code, 0);
  second.child.kill('SIGINT');
  assert.equal((await second.ended).code, 0);
});
