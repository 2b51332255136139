import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { asFileFault } from '../../../activities/engine/file-fault.js';
import { asFailure } from '../../../activities/step/failures.js';
import { SamMilError } from '../../../domain/errors.js';
import { ApplicationFailure } from '@temporalio/common';
import { temporaryFolder } from '../../support/temporary-folder.js';

function failureOf(error: unknown, late: boolean): ApplicationFailure {
  const failure = asFailure(asFileFault(error, '/work', late));
  assert.ok(failure instanceof ApplicationFailure);
  return failure;
}

test('a missing file ends an engine activity that has been retried for long enough, and is named', async (context) => {
  const path = join(temporaryFolder(context), 'gone', 'manifest.jsonl');
  const error: unknown = await readFile(path).catch((cause: unknown) => cause);
  const early = failureOf(error, false);
  assert.deepEqual([early.type, early.nonRetryable], ['Unavailable', false]);
  const late = failureOf(error, true);
  assert.deepEqual([late.type, late.nonRetryable], ['InvalidInput', true]);
  assert.match(
    late.message,
    new RegExp(`^${path}: is missing \\(ENOENT\\); .*Next: restore the folder .* resume the run`),
  );
});

test('a disk that is full or does not answer is waited for, and the reason says so', () => {
  const errorOf = (code: string) => Object.assign(new Error(`${code}: broken`), { code, path: '/work/x' });
  const away = failureOf(errorOf('ESTALE'), true);
  assert.deepEqual([away.type, away.nonRetryable], ['Unavailable', false]);
  assert.match(away.message, /^\/work\/x: the disk does not answer \(ESTALE\); .*continues once it is back/);
  const full = failureOf(errorOf('ENOSPC'), true);
  assert.deepEqual([full.type, full.nonRetryable], ['DiskFull', false]);
  assert.equal(failureOf(errorOf('EROFS'), true).nonRetryable, true);
  const own = new SamMilError('Superseded', 'another run took over');
  assert.equal(asFileFault(own, '/work', true), own, 'a code of the domain decides for itself');
});
