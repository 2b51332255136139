import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defineActivity, fileInput } from '../../activities/define-activity.js';
import { resolveWith } from '../../activities/resolve-with.js';

const definition = defineActivity({
  name: 'test.one',
  version: 1,
  summary: '',
  with: {
    table: fileInput('any', 'required input'),
    extra: fileInput('any', 'optional input'),
    beta: { type: 'number', description: 'no default' },
    text: { type: 'string', default: 'standard' },
  },
  required: ['table'],
  outputs: {},
  queue: 'cpu',
  timeout: '1m',
  heartbeat: '10s',
  isolation: 'inline',
  resumesFrom: 'the start',
  load: () => Promise.reject(new Error('not run here')),
});

test('an optional parameter given as null counts as not given, and its default stands', () => {
  const { parameters, inputs } = resolveWith(definition, {
    table: 'a.csv',
    extra: null,
    beta: null,
    text: null,
  });
  assert.deepEqual(parameters, { table: 'a.csv', text: 'standard' });
  assert.equal(inputs.length, 1);
});

test('empty text is an absent optional input, but a value of a text parameter', () => {
  const { parameters } = resolveWith(definition, { table: 'a.csv', extra: '', text: '' });
  assert.deepEqual(parameters, { table: 'a.csv', text: '' });
});

test('wrong parameters are all named', () => {
  assert.throws(
    () => resolveWith(definition, { table: 'a.csv', beta: 'ten', other: 1 }),
    /test\.one.*`other` must NOT have additional properties.*`beta` must be number \(found "ten"\)/,
  );
});
