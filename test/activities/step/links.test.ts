import assert from 'node:assert/strict';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { runCli } from '../../support/cli.js';
import { makeRunsFolder } from '../../../domain/engine/store/runs-folder.js';
import { leaseFor } from '../../support/lease.js';
import { StubSteps } from '../../support/stub-step.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

/* Symbolic links in a work folder that lead out of it, each to a folder of somebody else. */

const LEADS_OUT = { code: 'InvalidInput', message: /a symbolic link leads out of the work folder/ };

async function open(context: TestContext): Promise<{ work: string; steps: StubSteps }> {
  const work = temporaryFolder(context);
  const steps = await StubSteps.open(work);
  context.after(() => steps.engine.close());
  return { work, steps };
}

/** Moves a file or folder out of the work folder and puts a link in its place. Returns where it is. */
function moveOut(context: TestContext, path: string): string {
  const outside = join(temporaryFolder(context), 'outside');
  renameSync(path, outside);
  symlinkSync(outside, path);
  return outside;
}

const list = (folder: string) => readdirSync(folder, { recursive: true }).sort();

test('nothing is published into a stage folder that is a link', async (context) => {
  const { work, steps } = await open(context);
  mkdirSync(join(work, 'stage'));
  const outside = moveOut(context, join(work, 'stage'));
  await assert.rejects(steps.run('stub.light'), LEADS_OUT);
  assert.deepEqual(list(outside), []);
});

test('an output that became a link counts as changed: it is made again, and its target stays', async (context) => {
  const { work, steps } = await open(context);
  const output = join(work, 'stage', 'item.txt');
  await steps.run('stub.light', { with: { text: 'abc' } });
  const outside = moveOut(context, output);
  assert.equal((await steps.run('stub.light', { with: { text: 'abc' } })).how, 'done');
  assert.ok(lstatSync(output).isFile());
  writeFileSync(output, 'changed\n');
  assert.equal(readFileSync(outside, 'utf8'), 'abc\n');
});

test('an output reached through a link is not read as an input', async (context) => {
  const { work, steps } = await open(context);
  const { receipt } = await steps.run('stub.light', { with: { text: 'abc' } });
  moveOut(context, join(work, 'stage', 'item.txt'));
  const next = { stage: 'next', with: { from: receipt.outputs.file } };
  await assert.rejects(steps.run('stub.light', next), LEADS_OUT);
});

for (const name of ['.scratch', '.receipts', '.checkpoints']) {
  test(`nothing is written through a link ${name}`, async (context) => {
    const { work, steps } = await open(context);
    await steps.run('stub.light');
    const outside = moveOut(context, join(work, name));
    const before = list(outside);
    await assert.rejects(steps.run('stub.light', { with: { text: 'another' } }), LEADS_OUT);
    assert.deepEqual(list(outside), before);
  });
}

test('no run starts in a work folder whose .runs or .scratch is a link', async (context) => {
  const { work } = await open(context);
  const scratch = moveOut(context, join(work, '.scratch'));
  const before = list(scratch);
  await assert.rejects(leaseFor(work), LEADS_OUT);
  assert.deepEqual(list(scratch), before);
  moveOut(context, join(work, '.runs'));
  await assert.rejects(makeRunsFolder(work), LEADS_OUT);
});

test('gc deletes nothing through a link', async (context) => {
  for (const name of ['.runs', '.scratch', '.checkpoints']) {
    const { work, steps } = await open(context);
    await steps.run('stub.light');
    mkdirSync(join(work, '.runs', 'old'));
    writeFileSync(join(work, name, 'kept'), '');
    const outside = moveOut(context, join(work, name));
    const before = list(outside);
    const { code, stderr } = await runCli(
      temporaryFolder(context),
      'gc',
      work,
      '--force',
      '--keep',
      '0',
      '--checkpoints',
    );
    assert.equal(code, 2, stderr);
    assert.match(stderr, LEADS_OUT.message);
    assert.deepEqual(list(outside), before);
  }
});

test('a work folder that is itself a link works, and a link to another file in it as well', async (context) => {
  const { work, steps } = await open(context);
  const link = `${work}-link`;
  symlinkSync(work, link);
  context.after(() => rmSync(link));
  assert.equal((await steps.run('stub.light', { work: link, with: { text: 'abc' } })).how, 'done');
  assert.equal((await steps.run('stub.light', { work: link, with: { text: 'abc' } })).how, 'cached');
  renameSync(join(work, 'stage', 'item.txt'), join(work, 'elsewhere.txt'));
  symlinkSync(join(work, 'elsewhere.txt'), join(work, 'stage', 'item.txt'));
  assert.equal((await steps.run('stub.light', { with: { text: 'abc' } })).how, 'cached');
  assert.ok(existsSync(join(work, 'elsewhere.txt')));
});
