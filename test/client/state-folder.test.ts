import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeStateFolder } from '../../client/state-folder.js';
import { scratchFolder } from '../support/scratch-folder.js';

const folder = scratchFolder();
const before = process.env.SAM_MIL_STATE;
after(() => {
  if (before === undefined) delete process.env.SAM_MIL_STATE;
  else process.env.SAM_MIL_STATE = before;
});

test('a state folder that cannot be made is named, with the variable that moves it', () => {
  writeFileSync(join(folder, 'file'), '');
  process.env.SAM_MIL_STATE = join(folder, 'file', 'state');
  assert.throws(() => makeStateFolder('runs'), {
    name: 'InvalidInput',
    message: /file.state.*ENOTDIR.*SAM_MIL_STATE/,
  });
  process.env.SAM_MIL_STATE = join(folder, 'state');
  assert.equal(makeStateFolder('runs'), join(folder, 'state', 'runs'));
});
