import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { findLostRun, findRun, rememberRun, type RunEntry } from '../../../client/run/run-index.js';
import { runFolder } from '../../../domain/engine/store/paths.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a run whose work folder was moved is named with its folder, and can still be found to cancel it', (context) => {
  const state = process.env.SAM_MIL_STATE;
  process.env.SAM_MIL_STATE = temporaryFolder(context);
  context.after(() => {
    if (state === undefined) delete process.env.SAM_MIL_STATE;
    else process.env.SAM_MIL_STATE = state;
  });
  const work = join(temporaryFolder(context), 'work');
  const entry: RunEntry = {
    run: 'study-20260101-000000-abc',
    pipeline: 'study',
    work,
    source: 'study.yaml',
    started: '2026-01-01T00:00:00.000Z',
    server: 'embedded',
    namespace: 'default',
  };
  mkdirSync(runFolder(work, entry.run), { recursive: true });
  rememberRun(entry);
  assert.deepEqual(findRun(entry.run), entry);
  assert.equal(findLostRun(entry.run), undefined);

  renameSync(work, `${work}-moved`);
  assert.throws(() => findRun(entry.run), /the work folder of run study-20260101-000000-abc is missing/);
  assert.deepEqual(findLostRun(entry.run), entry);
  assert.equal(findRun(entry.run, `${work}-moved`).work, `${work}-moved`);
});
