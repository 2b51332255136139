import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lastObject, TOY_PLUGIN } from '../../support/cli.js';
import { Operator } from '../../support/operator.js';

const { sam, ...operator } = new Operator();
const plugin = ['--plugin', TOY_PLUGIN];

const PIPELINE = `pipeline: 1
name: two
defaults: { retry: { max-attempts: 1 } }
stages:
  make:
    foreach: { csv: first.csv, as: row, key: name }
    uses: toy.make
    with: { text: x, steps: '\${{ number(row.steps) }}', stop-file: '\${{ row.stop }}' }
  later:
    needs: make
    foreach: { csv: second.csv, as: row, key: name }
    uses: toy.make
    with: { text: y, steps: '\${{ number(row.steps) }}' }
`;

test('resume checks the inputs of the work that is left, and nothing that is finished', async () => {
  const folder = operator.folder;
  const write = (name: string, ...lines: string[]) => writeFileSync(join(folder, name), lines.join('\n'));
  write('two.yaml', PIPELINE);
  write('stop', '');
  write('first.csv', 'name,steps,stop', 'a,0,', `b,0,${join(folder, 'stop')}`);
  write('second.csv', 'name,steps', 'c,0');
  const held = await sam('run', 'two.yaml', ...plugin);
  assert.match(held.stdout, /held: make, 1 of 2 items failed/, held.stderr);

  write('second.csv', 'name,steps', 'c,often');
  assert.match((await sam('resume', 'two', '--stage', 'later', ...plugin)).stderr, /stage `later` \(c\)/);
  rmSync(join(folder, 'stop'));
  const refused = await sam('resume', 'two', ...plugin);
  assert.equal(refused.code, 2, refused.stdout);
  assert.match(refused.stderr, /stage `later` \(c\): .*"often" is not a number/);
  assert.doesNotMatch(refused.stdout, /retrying/);
  assert.equal(lastObject(await sam('status', 'two', '--json')).status, 'held');

  write('second.csv', 'name,steps', 'c,0');
  const resumed = await sam('resume', 'two', '--json', ...plugin);
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(lastObject(resumed).status, 'done');

  // The run has ended: it starts again from its plan, with the checks of a new run.
  write('first.csv', 'name,steps,stop', 'a,never,', 'b,0,');
  const again = await sam('resume', 'two', ...plugin);
  assert.match(again.stderr, /stage `make` \(a\): .*"never" is not a number/);
  assert.equal(again.code, 2);
});

test('a held run continues without an item that was skipped by hand, whatever is wrong with it', async () => {
  const folder = operator.folder;
  const write = (name: string, ...lines: string[]) => writeFileSync(join(folder, name), lines.join('\n'));
  write('without.yaml', PIPELINE.replace('name: two', 'name: without'));
  write('stop', '');
  const stop = join(folder, 'stop');
  write('first.csv', 'name,steps,stop', 'a,0,', `b,0,${stop}`, `d,0,${stop}`);
  write('second.csv', 'name,steps', 'c,0');
  assert.equal((await sam('run', 'without.yaml', ...plugin)).code, 1);
  assert.match((await sam('skip', 'without', 'make@b', ...plugin)).stdout, /held: make, 1 of 3 items failed/);
  write('first.csv', 'name,steps,stop', 'a,0,', 'b,often,', 'd,0,');
  const resumed = await sam('resume', 'without', '--json', ...plugin);
  assert.equal(resumed.code, 0, resumed.stderr);
});
