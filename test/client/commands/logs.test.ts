import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, test } from 'node:test';
import { gateOf, startCli, TOY_PLUGIN, writeToyPipeline } from '../../support/cli.js';
import { Operator } from '../../support/operator.js';

const operator = new Operator();
const { sam } = operator;
let folder: string;
before(() => (folder = operator.folder));

const plugin = ['--plugin', TOY_PLUGIN];

test('logs -f prints what is added, of every item, until the run ends', async () => {
  const gate = gateOf(folder, 'followed');
  const stages = `first: { uses: toy.make, with: { text: one } }
  second: { uses: toy.make, needs: first, with: { text: two, gate-file: ${gate} } }`;
  writeFileSync(join(folder, 'followed.yaml'), `pipeline: 1\nname: followed\nstages:\n  ${stages}\n`);
  writeFileSync(gate, '');
  const run = startCli(folder, 'run', 'followed.yaml', ...plugin);
  await run.says(/second: running/);
  const follower = startCli(folder, 'logs', 'followed', '-f');
  const one = startCli(folder, 'logs', 'followed', 'second@second', '--follow');
  await follower.says(/^== first@first$/m);
  assert.doesNotMatch(follower.output(), /second/);
  rmSync(gate);
  assert.equal((await run.ended).code, 0);
  const { code, stdout, stderr } = await follower.ended;
  assert.deepEqual([code, /^run followed-\S+: done\n$/.test(stderr)], [0, true], stderr);
  assert.match(stdout, /^== first@first\n(?!==)[^]*^== second@second\n(?!==)/m);
  assert.equal(stdout.match(/done in/g)?.length, 2);
  const single = await one.ended;
  assert.match(single.stdout, /info second#1 done in/);
  assert.doesNotMatch(single.stdout, /==/);
  const after = await sam('logs', 'followed', '-f');
  assert.equal(after.stdout.match(/done in/g)?.length, 2, 'of an ended run, all that is there');
});

test('logs --failed prints the failed items alone, each with its reason and its log', async () => {
  const stop = join(folder, 'in-the-way');
  writeToyPipeline(folder, 'failing', stop);
  writeFileSync(stop, '');
  await sam('run', 'failing.yaml', ...plugin, '--set', 'steps=0');
  const all = await sam('logs', 'failing', '--failed');
  assert.equal(all.stdout.match(/^== make@[abc] {2}.*in the way/gm)?.length, 3);
  assert.match(all.stdout, /warn make#1/);
  const one = await sam('logs', 'failing', 'make@b', '--failed');
  assert.deepEqual(one.stdout.match(/^== \S+/gm), ['== make@b']);
  const none = await sam('logs', 'failing', 'count', '--failed');
  assert.deepEqual([none.code, none.stdout], [0, '']);
  assert.match(none.stderr, /nothing has failed in count in run failing-/);
  const unknown = await sam('logs', 'failing', 'mak', '--failed');
  assert.deepEqual([unknown.code, /did you mean `make`\?/.test(unknown.stderr)], [2, true]);
  const item = await sam('skip', 'failing', 'make@z', ...plugin);
  assert.equal(item.code, 2);
  assert.match(
    item.stderr,
    /z is not a failed item of stage make in run failing-.*\n {2}next +failed items: a, b, c/,
  );
  assert.doesNotMatch(item.stdout + item.stderr, /started the embedded/);
  const nothing = await sam('logs', 'failing', 'train');
  assert.match(nothing.stderr, /has no stage train\n {2}next {5}stages: make, count/);
});

test('the name of a stage of the file means the logs of all its cells', async () => {
  const source = 'foreach: { csv: cells.csv, as: row, key: name }, matrix: { size: [1, 2] }';
  const stage = `make: { ${source}, uses: toy.make, with: { text: '\${{ row.name }}\${{ matrix.size }}' } }`;
  writeFileSync(join(folder, 'cells.yaml'), `pipeline: 1\nname: cells\nstages:\n  ${stage}\n`);
  writeFileSync(join(folder, 'cells.csv'), 'name\na\nb\n');
  const { code, stderr } = await sam('run', 'cells.yaml', ...plugin);
  assert.equal(code, 0, stderr);
  const headings = async (target: string) =>
    (await sam('logs', 'cells', target)).stdout.match(/^== .+$/gm)?.map((line) => line.slice(3));
  assert.deepEqual(await headings('make'), ['make-1@a', 'make-1@b', 'make-2@a', 'make-2@b']);
  assert.deepEqual(await headings('make@b'), ['make-1@b', 'make-2@b']);
  assert.deepEqual(await headings('make-2'), ['make-2@a', 'make-2@b']);
  assert.match((await sam('logs', 'cells', 'make@c')).stderr, /make@c has no log/);
});
