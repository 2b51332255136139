import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gateOf, lastObject, startCli, TOY_PLUGIN, writeToyPipeline } from '../support/cli.js';
import { Operator } from '../support/operator.js';

const operator = new Operator();
const { sam } = operator;
const plugin = ['--plugin', TOY_PLUGIN];

test('an open run of the same plan continues; one with another plan is terminated only with --replace, or if it is paused', async () => {
  writeToyPipeline(operator.folder, 'open');
  writeFileSync(gateOf(operator.folder, 'open'), '');
  const first = startCli(operator.folder, 'run', 'open.yaml', ...plugin);
  await first.says(/make: running/);
  first.child.kill('SIGINT');
  await first.ended;
  const same = startCli(operator.folder, 'run', 'open.yaml', ...plugin);
  await same.says(/continuing run open-\S+, which is still open/);
  same.child.kill('SIGINT');
  await same.ended;

  const refused = await sam('run', 'open.yaml', '--set', 'steps=2', ...plugin);
  assert.equal(refused.code, 2, refused.stdout);
  assert.match(refused.stderr, /^sam-mil: \S+: run open-\S+ is at work in this work folder$/m);
  assert.match(refused.stderr, /found {4}it was started \S+; steps 1, not 2\n {2}next .*--watch.*--replace/);

  const other = startCli(operator.folder, 'run', 'open.yaml', '--set', 'steps=2', '--replace', ...plugin);
  await other.says(/terminating run open-\S+ \(different plan or selection\)/);
  await other.says(/make: running/);
  other.child.kill('SIGINT');
  await other.ended;

  assert.equal((await sam('pause', 'latest')).code, 0);
  const third = startCli(operator.folder, 'run', 'open.yaml', '--set', 'steps=3', ...plugin);
  await third.says(/terminating run open-\S+ \(different plan or selection\)/);
  rmSync(gateOf(operator.folder, 'open'));
  const { code, stderr } = await third.ended;
  assert.equal(code, 0, stderr);
});

test('a resumed run terminates another run that is at work in its work folder only with --replace', async () => {
  writeToyPipeline(operator.folder, 'again');
  const first = await sam('run', 'again.yaml', '--json', ...plugin);
  const run = lastObject(first).run as string;
  writeFileSync(gateOf(operator.folder, 'again'), '');
  const second = startCli(operator.folder, 'run', 'again.yaml', '--set', 'steps=2', ...plugin);
  await second.says(/make: running/);
  second.child.kill('SIGINT');
  const left = /run (again-\S+) continues/.exec((await second.ended).stdout)?.[1] ?? '';
  const refused = await sam('resume', run);
  assert.match(refused.stderr, new RegExp(`run ${left} is at work in this work folder`));
  const resumed = startCli(operator.folder, 'resume', run, '--replace');
  await resumed.says(`terminating run ${left} (another run of its work folder is restarted)`);
  rmSync(gateOf(operator.folder, 'again'));
  const { code, stderr } = await resumed.ended;
  assert.equal(code, 0, stderr);
  assert.match((await sam('status', left)).stdout, /replaced by run again-/);
});

test('a run in a copy of a work folder leaves the run in the original alone', async () => {
  writeToyPipeline(operator.folder, 'copied');
  writeFileSync(gateOf(operator.folder, 'copied'), '');
  const original = startCli(operator.folder, 'run', 'copied.yaml', ...plugin);
  await original.says(/make: running/);
  const run =
    readdirSync(join(operator.folder, 'work', 'copied', '.runs')).find((name) =>
      name.startsWith('copied-'),
    ) ?? '';
  const copy = join(operator.folder, 'work', 'copy');
  cpSync(join(operator.folder, 'work', 'copied'), copy, { recursive: true });
  for (const command of [
    ['resume', run],
    ['cancel', run],
    ['pause', run],
    ['skip', run, 'make'],
  ]) {
    const { code, stderr } = await sam(...command, '--work', copy);
    assert.equal(code, 2, stderr);
    assert.match(stderr, /open in another work folder, of which this is a copy[\s\S]*sam-mil run .*--work/);
  }
  const second = startCli(operator.folder, 'run', 'copied.yaml', '--work', copy, ...plugin);
  await second.says(/make: running/);
  assert.match((await sam('status', run)).stdout, /^copied-\S+ {2}running/);
  rmSync(gateOf(operator.folder, 'copied'));
  for (const { code, stderr } of await Promise.all([original.ended, second.ended]))
    assert.equal(code, 0, stderr);
  assert.doesNotMatch(second.output(), /terminating/);
});

test('a resumed run whose file was edited says that it keeps its plan, and offers `run`', async () => {
  const stop = join(operator.folder, 'stop-edited');
  const file = writeToyPipeline(operator.folder, 'edited', stop);
  writeFileSync(stop, '');
  const first = await sam('run', 'edited.yaml', ...plugin);
  assert.doesNotMatch(first.stdout, /takes the change/);
  appendFileSync(file, '# edited\n');
  const resumed = await sam('resume', 'edited', ...plugin);
  assert.match(
    resumed.stdout,
    /edited\.yaml has changed since this run was started, and the run keeps its plan/,
  );
  assert.match(
    resumed.stdout,
    /^Run +npx sam-mil run edited\.yaml --work work\/edited {3}takes the changes/m,
  );
  rmSync(stop);
  const taken = await sam('run', 'edited.yaml', ...plugin);
  assert.match(
    taken.stdout,
    /terminating run edited-\S+ \(different plan or selection\)[\s\S]*done: 4 items/,
  );
});

test('two commands at once on one work folder share one run', async () => {
  writeToyPipeline(operator.folder, 'pair');
  writeFileSync(gateOf(operator.folder, 'pair'), '');
  const both = [1, 2].map(() => startCli(operator.folder, 'run', 'pair.yaml', ...plugin));
  await Promise.any(both.map((cli) => cli.says(/continuing run pair-\S+, which is still open/)));
  rmSync(gateOf(operator.folder, 'pair'));
  for (const { code, stderr } of await Promise.all(both.map((cli) => cli.ended)))
    assert.equal(code, 0, stderr);
  const runs = readdirSync(join(operator.folder, 'work', 'pair', '.runs')).filter((name) =>
    name.startsWith('pair-'),
  );
  assert.equal(runs.length, 1);
});
