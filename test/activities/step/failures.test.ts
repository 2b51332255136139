import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { asFailure } from '../../../activities/step/failures.js';
import { SamMilError } from '../../../domain/errors.js';
import { encodeError } from '../../../domain/machine/threads/wire-error.js';

test('errors become Temporal failures of their code; only those that a retry may fix are retried', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  const cases: [unknown, string, boolean][] = [
    [new SamMilError('CorruptSlide', 'a tile is damaged', { file: 'a.svs' }), 'CorruptSlide', true],
    [new SamMilError('ChildCrashed', 'it ended'), 'ChildCrashed', false],
    [full, 'DiskFull', false],
    [new TypeError('x is not a function'), 'Internal', false],
    ['thrown text', 'Internal', false],
  ];
  for (const [error, type, nonRetryable] of cases) {
    const failure = asFailure(error) as ApplicationFailure;
    assert.deepEqual([failure.type, failure.nonRetryable], [type, nonRetryable]);
  }
  const own = ApplicationFailure.create({ message: 'as it is', type: 'Own' });
  assert.equal(asFailure(own), own);
});

test('a failure carries code, statement, facts and stack in its details, and a text for Temporal’s pages', () => {
  const error = new SamMilError('CountMismatch', 'patches and features differ', {
    expected: '4',
    found: '3',
  });
  const failure = asFailure(error) as ApplicationFailure;
  assert.equal(failure.message, 'patches and features differ; expected 4; found 3');
  assert.deepEqual(failure.details, [encodeError(error)]);
  assert.match(failure.stack ?? '', /^ {4}at .*failures\.test/);
});
