import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import {
  writeRegression,
  writeSurvival,
  type HeadFacts,
} from '../../../domain/mil/evaluate/endpoint-files.js';
import { undefinedBecause } from '../../../domain/statistics/estimate.js';
import { CommandLine } from '../../support/command-line.js';
import { finishReport } from '../../support/kept-report.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const PATIENTS = Array.from({ length: 20 }, (_, i) => {
  const event: 0 | 1 = i % 3 ? 1 : 0;
  return { key: `s${i}`, time: 30 - i, event };
});
const unknown = undefinedBecause('not needed here');

/** Risks in the right order up to shifts. */
function survival(shift: number) {
  const cases = PATIENTS.map((one, i) => ({ ...one, risk: (i + shift * (i % 5)) / 10 }));
  return (scratch: string, facts: HeadFacts) =>
    writeSurvival(scratch, facts, cases, {
      reference: { training: unknown, threshold: unknown, survival: unknown },
      trainingRisks: [0, 1, 2],
      ...{ head: 'cox', time: 'os_months', bootstrap: 50 },
    });
}

function regression(error: number) {
  const cases = PATIENTS.map(({ key }, i) => ({ key, value: i, predicted: i + (i % 2 ? error : -error) }));
  return (scratch: string, facts: HeadFacts) =>
    writeRegression(scratch, facts, cases, { value: 'hrd', bootstrap: 50 });
}

const [BEFORE, AFTER] = ['study-20260101-000000-aaa', 'study-20260102-000000-bbb'];

async function twoRuns(t: TestContext, writers: readonly ReturnType<typeof survival>[]) {
  const folder = temporaryFolder(t);
  const work = join(folder, 'work');
  await finishReport(work, BEFORE, { missed: 0, write: writers[0] });
  await finishReport(work, AFTER, { missed: 0, write: writers[1] });
  const commands = new CommandLine(folder);
  t.after(() => commands.stop());
  return async (...args: string[]) => {
    const { code, text } = await commands.run(...args, '--work', work);
    assert.equal(code, 0, text);
    return text;
  };
}

test('metrics, metrics diff and runs show the scores of survival, with a paired bootstrap of the concordance', async (t) => {
  const run = await twoRuns(t, [survival(4), survival(0)]);
  const table = await run('metrics', AFTER);
  assert.match(table, /concordance +Uno +mean AUC +Brier/);
  assert.match(table, /^abmil +1\.000±0\.000 +n\/a/m);
  assert.match(
    table,
    /^Uno, mean AUC, Brier: undefined in some folds, which are left out; the report says why$/m,
  );
  assert.doesNotMatch(table, /F1|protocol/);
  const diff = await run('metrics', 'diff', BEFORE, AFTER);
  assert.match(diff, /^abmil +concordance +0\.\d{3}±0\.000 +1\.000±0\.000 +\+0\.\d{3} +0\.\d{3}$/m);
  assert.match(
    diff,
    /paired bootstrap of the concordance over the pooled predictions of the same 20 patients/,
  );
  const sorted = await run('runs', '--sort', 'concordance');
  assert.ok(sorted.indexOf(AFTER) < sorted.indexOf(BEFORE), sorted);
});

test('of a regression, runs --sort puts the smallest error first', async (t) => {
  const run = await twoRuns(t, [regression(3), regression(1)]);
  assert.match(await run('metrics', AFTER, '--csv'), /^group,MAE,MAE std,RMSE,.*\nabmil,1,0,1,0,/);
  for (const column of ['RMSE', 'R2']) {
    const sorted = await run('runs', '--sort', column);
    assert.ok(sorted.indexOf(AFTER) < sorted.indexOf(BEFORE), sorted);
  }
  const diff = await run('metrics', 'diff', BEFORE, AFTER);
  assert.match(diff, /RMSE +3\.000±0\.000 +1\.000±0\.000 +−2\.000 +0\.\d{3}$/m);
});

test('runs of different endpoints are shown side by side without a test', async (t) => {
  const run = await twoRuns(t, [survival(0), regression(1)]);
  assert.match(
    await run('metrics', 'diff', BEFORE, AFTER),
    /no test of abmil: the runs have different endpoints/,
  );
});
