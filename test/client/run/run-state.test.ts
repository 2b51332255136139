import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readRunRecord, recordEnd, rememberStatus, type RunEntry } from '../../../client/run/run-index.js';
import { stateOf } from '../../../client/run/run-state.js';
import { RunBook } from '../../../workflows/run-book.js';
import { CommandLine } from '../../support/command-line.js';
import { planOf } from '../../support/engine.js';
import { leaseFor } from '../../support/lease.js';
import { writePlan } from '../../support/records.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const OLD = 'study-20260101-000000-aaa';
const NEW = 'study-20260102-000000-bbb';

function entryOf(work: string, run: string, server = 'embedded'): RunEntry {
  const started = '2026-01-01T00:00:00.000Z';
  return { run, pipeline: 'study', work, source: 'study.yaml', started, server, namespace: 'default' };
}

/** A run that was held when a client last saw it. */
async function heldRun(work: string, run: string): Promise<RunEntry> {
  writePlan(run, planOf(work, [], { name: 'study' }));
  await leaseFor(work, run);
  const { statuses: stages } = new RunBook({ name: 'study', onFailure: 'hold', stages: [] });
  const entry = entryOf(work, run);
  rememberStatus(entry, {
    run,
    pipeline: 'study',
    work,
    state: 'held',
    startedAt: 0,
    stages,
    message: 'held',
  });
  return entry;
}

const silent = () => Promise.resolve(undefined);

test('a run whose work folder another run has taken is replaced, whatever its server says', async (context) => {
  const work = temporaryFolder(context);
  const old = await heldRun(work, OLD);
  assert.deepEqual(await stateOf(old, silent), { state: 'held' });
  assert.deepEqual(await stateOf(old, () => Promise.resolve('open' as const)), { state: 'open' });
  const now = await heldRun(work, NEW);
  for (const answer of [silent, () => Promise.resolve('open' as const)])
    assert.deepEqual(await stateOf(old, answer), { state: 'replaced', by: NEW });
  assert.deepEqual(await stateOf(now, silent), { state: 'held' });

  await recordEnd(old, 'replaced', `replaced by run ${NEW}`);
  await recordEnd(old, 'cancelled', 'not written: it has ended');
  assert.equal(readRunRecord(old)?.message, `replaced by run ${NEW}`);
  rmSync(join(work, '.runs', 'holder.json'));
  assert.deepEqual(await stateOf(old, silent), { state: 'replaced' }, 'also when nobody holds it any more');
});

test('the state of a run on a server that does not answer is unknown, not stopped', async (context) => {
  const work = temporaryFolder(context);
  const entry = { ...(await heldRun(work, OLD)), server: 'lab:7233' };
  assert.deepEqual(await stateOf(entry, silent), { state: 'unknown' });
});

function commandLine(context: TestContext, folder: string): CommandLine {
  const commands = new CommandLine(folder);
  context.after(() => commands.stop());
  return commands;
}

test('ls, status and gc tell of a replaced run without a server', async (context) => {
  const folder = temporaryFolder(context);
  const work = join(folder, 'work');
  await heldRun(work, OLD);
  await recordEnd(await heldRun(work, NEW), 'cancelled', 'cancelled');
  const commands = commandLine(context, folder);
  const list = await commands.run('ls', '--work', work);
  assert.match(list.text, new RegExp(`^${NEW} +cancelled.*\\n${OLD} +replaced`, 'm'));
  const status = await commands.run('status', OLD, '--work', work);
  assert.match(status.text, new RegExp(`replaced by run ${NEW}, which holds the work folder`));
  assert.doesNotMatch(status.text, /held|skip/);
  const gc = await commands.run('gc', work);
  assert.equal(gc.code, 0, gc.text);
});

test('ls says that the list of runs cannot be read, not that there are no runs', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'state'), 'a file');
  const { code, text } = await commandLine(context, folder).run('ls');
  assert.equal(code, 2);
  assert.match(text, /the list of your runs cannot be read.*\n.*ENOTDIR/s);
});
