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
  assert.match(
    refused.stderr,
    /has not ended, and its server \(embedded\) does not answer\n  next     start it with `npx sam-mil server`/,
  );

  rmSync(gateOf(folder));
  // The plugin that the run was started with is remembered.
  const resumed = await runCli(folder, 'resume');
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.match(resumed.stdout, /continuing where it was paused/);
  assert.match(resumed.stdout, /done: \d items made/);
  assert.equal(readFileSync(join(folder, 'work/toy/count/count.txt'), 'utf8'), '3\n');
});
