import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readRunPlan, runFault, runsIn } from '../../../client/run/run-index.js';
import { makeStateFolder } from '../../../client/server/state-folder.js';
import { planOf } from '../../support/engine.js';
import { writePlan } from '../../support/records.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const folder = scratchFolder();
const before = process.env.SAM_MIL_STATE;
after(() => {
  if (before === undefined) delete process.env.SAM_MIL_STATE;
  else process.env.SAM_MIL_STATE = before;
});

test('an unusable state folder is named, with the variable that moves it', () => {
  writeFileSync(join(folder, 'file'), '');
  process.env.SAM_MIL_STATE = join(folder, 'file', 'state');
  assert.throws(() => makeStateFolder('runs'), {
    name: 'InvalidInput',
    message: /file.state.*ENOTDIR.*SAM_MIL_STATE/,
  });
  process.env.SAM_MIL_STATE = join(folder, 'state');
  assert.equal(makeStateFolder('runs'), join(folder, 'state', 'runs'));
});

test('a stray file and a damaged plan in the work folder do not hide its runs', () => {
  const work = join(folder, 'work');
  process.env.SAM_MIL_STATE = join(folder, 'state');
  for (const run of ['good', 'damaged']) writePlan(run, planOf(work, []));
  writeFileSync(join(work, '.runs', '.DS_Store'), '');
  writeFileSync(join(work, '.runs', 'damaged', 'plan.json'), '{"name"');
  assert.deepEqual(
    runsIn(work)
      .map((entry) => [entry.run, runFault(entry) === undefined])
      .sort(),
    [
      ['damaged', false],
      ['good', true],
    ],
  );
  assert.throws(() => readRunPlan({ work, run: 'damaged' }), {
    name: 'InvalidInput',
    message: /damaged.plan\.json: the plan of the run is damaged.*run its pipeline file again/,
  });
});
