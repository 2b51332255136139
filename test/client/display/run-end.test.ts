import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import pc from 'picocolors';
import { zeroCounts } from '../../../domain/engine/item/counts.js';
import { resultLines } from '../../../client/display/run-end.js';
import type { RunEntry } from '../../../client/run/run-index.js';
import type { RunStatus, StageStatus } from '../../../workflows/messages.js';
import { finishReport, reportPlan } from '../../support/kept-report.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

async function endOf(work: string, run: string, state: StageStatus['state']): Promise<string[]> {
  const counts = { ...zeroCounts(1), done: 1 };
  const status = {
    ...{ run, pipeline: 'p', work, state: 'done' as const, startedAt: 0, message: 'done' },
    stages: [{ name: 'report', needs: [], state, failures: [], ...counts }],
  };
  const entry = { run, work } as RunEntry;
  return resultLines(entry, () => reportPlan(work), { ended: 'result', status }, pc.createColors(false));
}

test('a run shows its own report: the published one, later its copy, and none if it did not reach it', async (context) => {
  const work = temporaryFolder(context);
  await finishReport(work, 'p-1', { missed: 4 });
  assert.ok((await endOf(work, 'p-1', 'done')).includes(`Report   ${join(work, 'report/report.html')}`));
  const unmade = await endOf(work, 'p-2', 'waiting');
  assert.ok(!unmade.some((line) => line.startsWith('Report')), unmade.join('\n'));

  await finishReport(work, 'p-2', { missed: 2 });
  const [old, now] = [await endOf(work, 'p-1', 'done'), await endOf(work, 'p-2', 'done')];
  assert.ok(old.includes(`Report   ${join(work, '.runs/p-1/results/report/report.html')}`), old.join('\n'));
  assert.ok(now.includes(`Report   ${join(work, 'report/report.html')}`));
  assert.ok(
    old.some((line) => /^abmil +0\.750±/.test(line)) && now.some((line) => /^abmil +0\.875±/.test(line)),
  );
});

test('an edit of the published page does not reach the copy; an edited copy is said to be gone', async (context) => {
  const work = temporaryFolder(context);
  await finishReport(work, 'p-1', { missed: 4 });
  const page = readFileSync(join(work, 'report/report.html'), 'utf8');
  appendFileSync(join(work, 'report/report.html'), 'edited');
  const copy = join(work, '.runs/p-1/results/report/report.html');
  assert.ok((await endOf(work, 'p-1', 'done')).includes(`Report   ${copy}`));
  assert.equal(readFileSync(copy, 'utf8'), page);
  writeFileSync(copy, 'edited too');
  await assert.rejects(endOf(work, 'p-1', 'done'), /what run p-1 showed is gone/);
});

/** What a run with a held stage offers at its end. */
async function footerOf(work: string, state: RunStatus['state'], code: string): Promise<string> {
  const error = { code, what: 'the run no longer holds its work folder', facts: {} };
  const held = { name: 'report', needs: [], state: 'held' as const, ...zeroCounts(1), failures: [], error };
  const status = {
    run: 'p-1',
    pipeline: 'p',
    work,
    state,
    startedAt: 0,
    stages: [held],
    message: 'cancelled; kept',
  };
  const entry = { run: 'p-1', work } as RunEntry;
  const outcome = { ended: 'result' as const, status };
  return (await resultLines(entry, () => reportPlan(work), outcome, pc.createColors(false))).join('\n');
}

test('a held run offers skip, but not after another run has taken its work folder', async (context) => {
  const work = temporaryFolder(context);
  assert.match(
    await footerOf(work, 'held', 'InvalidInput'),
    /skip p-1 report {3}continues without the items that failed/,
  );
  const taken = await footerOf(work, 'held', 'TakenOver');
  assert.doesNotMatch(taken, /skip|retries what failed/);
  assert.match(taken, /resume p-1 {3}takes the work folder back and ends the run that uses it/);
});

test('a held run that was cancelled says so, and not that it failed', async (context) => {
  const text = await footerOf(temporaryFolder(context), 'cancelled', 'InvalidInput');
  assert.match(text, /p-1 {2}cancelled; kept/);
  assert.doesNotMatch(text, /skip|report failed|retries/);
});
