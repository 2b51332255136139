import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readRunPlan, runsIn } from '../../../client/run/run-index.js';
import { makeStateFolder } from '../../../client/server/state-folder.js';
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
  for (const run of ['good', 'damaged']) mkdirSync(join(work, '.runs', run), { recursive: true });
  writeFileSync(join(work, '.runs', '.DS_Store'), '');
  writeFileSync(join(work, '.runs', 'damaged', 'plan.json'), '{"name"');
  writeFileSync(join(work, '.runs', 'good', 'plan.json'), '{"name":"p","source":{"path":"/p.yaml"}}');
  assert.deepEqual(
    runsIn(work).map(({ run }) => run),
    ['good'],
  );
  assert.throws(() => readRunPlan({ work, run: 'damaged' }), {
    name: 'InvalidInput',
    message: /damaged.plan\.json: the plan of the run cannot be read.*run its pipeline file again/,
  });
});
