import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readRunPlan, rememberRun, runFault, runsIn } from '../../../client/run/run-index.js';
import {
  closeToOthers,
  makeStateFolder,
  registerProcess,
  unregisterProcess,
} from '../../../client/server/state-folder.js';
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

const modeOf = (...path: string[]) => (statSync(join(folder, ...path)).mode & 0o777).toString(8);

test('the state folder and its files are for their owner only, also where an older version left them open', () => {
  process.env.SAM_MIL_STATE = join(folder, 'private');
  mkdirSync(join(folder, 'private', 'runs'), { recursive: true, mode: 0o755 });
  writeFileSync(join(folder, 'private', 'temporal-1.29.1.db'), '', { mode: 0o644 });
  writeFileSync(join(folder, 'private', 'runs', 'old.json'), '{}', { mode: 0o644 });
  rememberRun({
    run: 'new',
    pipeline: 'p',
    work: '/w',
    source: '/s',
    started: '',
    server: '',
    namespace: '',
  });
  registerProcess('workers');
  assert.equal(modeOf('private'), '700');
  assert.equal(modeOf('private', 'runs'), '700');
  assert.equal(modeOf('private', 'runs', 'new.json'), '600');
  assert.equal(modeOf('private', 'workers'), '700');
  assert.equal(modeOf('private', 'workers', `${process.pid}`), '600');
  unregisterProcess('workers');
  closeToOthers();
  assert.equal(modeOf('private', 'runs', 'old.json'), '600');
  assert.equal(modeOf('private', 'temporal-1.29.1.db'), '600');
});

test('a state folder of another account is refused, because that account can read and replace what is in it', (context) => {
  if (process.getuid?.() !== 0) return context.skip('only root can give a folder away');
  process.env.SAM_MIL_STATE = join(folder, 'foreign');
  mkdirSync(join(folder, 'foreign'));
  chmodSync(join(folder, 'foreign'), 0o777);
  chownSync(join(folder, 'foreign'), 65534, 65534);
  assert.throws(() => makeStateFolder('runs'), {
    name: 'InvalidInput',
    message: /foreign.*belongs to another account.*user id 0.*user id 65534.*SAM_MIL_STATE/s,
  });
});
