import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { asFailure, fromErrorMessage, toErrorMessage } from '../../../activities/step/failures.js';
import { SamMilError } from '../../../domain/errors.js';

test('errors become Temporal failures of their code; only those that a retry may mend are retried', () => {
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

test('an error keeps code, message and place on its way from a child', () => {
  const error = new SamMilError('CountMismatch', 'patches and features differ', {
    expected: '4',
    found: '3',
  });
  const again = fromErrorMessage(JSON.parse(JSON.stringify(toErrorMessage(error))) as never);
  assert.deepEqual([again.code, again.message, again.stack], [error.code, error.message, error.stack]);
});
