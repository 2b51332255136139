import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SamMilError } from '../../../../domain/errors.js';
import {
  asSamMilError,
  decodeError,
  encodeError,
  isWireError,
} from '../../../../domain/machine/threads/wire-error.js';

const mismatch = new SamMilError('CountMismatch', 'patches and features differ', {
  file: 'a.h5',
  expected: '4',
  found: '3',
  next: 'extract again',
});

test('an error keeps code, statement, facts and stack through JSON and between threads', () => {
  const wire = encodeError(mismatch);
  assert.ok(isWireError(wire));
  for (const copy of [JSON.parse(JSON.stringify(wire)) as typeof wire, structuredClone(wire)]) {
    const again = decodeError(copy);
    assert.deepEqual(
      [again.code, again.what, again.facts, again.message, again.retryable],
      [mismatch.code, mismatch.what, mismatch.facts, mismatch.message, false],
    );
    assert.match(again.stack ?? '', /^CountMismatch: a\.h5: patches .*\n {4}at .*wire-error\.test/);
    assert.deepEqual(encodeError(again), wire, 'nothing is lost or added on a further leg');
  }
});

test('errors that are not ours get a code, keep their stack, and say what caused them', () => {
  const refused = new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') });
  const { stack, ...wire } = encodeError(refused);
  assert.deepEqual(wire, {
    code: 'Internal',
    what: 'fetch failed',
    facts: { found: 'connect ECONNREFUSED' },
  });
  assert.match(stack ?? '', /^ {4}at .*wire-error\.test/);
  const full = Object.assign(new Error('ENOSPC: no space left, write'), { code: 'ENOSPC', path: '/w/a.h5' });
  const { code, facts } = encodeError(full);
  assert.deepEqual([code, facts.file, facts.found], ['DiskFull', '/w/a.h5', 'ENOSPC: no space left, write']);
  assert.deepEqual(encodeError('thrown text').what, 'thrown text');
  assert.equal(asSamMilError(mismatch), mismatch);
});

test('long texts are cut once, in the middle, between whole characters', () => {
  const output = `first line\n${'🔬'.repeat(4000)}\nlast line`;
  const wire = encodeError(new SamMilError('ChildCrashed', 'crashed', { found: output }));
  const found = wire.facts.found ?? '';
  assert.ok(found.length <= 2000 && found.startsWith('first line\n🔬') && found.endsWith('🔬\nlast line'));
  assert.doesNotMatch(found, /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
  assert.deepEqual(encodeError(decodeError(wire)).facts, wire.facts);
});

test('a code of another program is not taken for one of ours', () => {
  const again = decodeError({ code: 'OutOfCoffee', what: 'empty', facts: {} });
  assert.deepEqual([again.code, again.what], ['Internal', 'OutOfCoffee: empty']);
  assert.ok(!isWireError({ code: 'Own', what: 'no facts' }) && !isWireError(null));
});
