import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  defineActivity,
  fileInput,
  itemsInput,
  type ActivityDefinition,
} from '../../../activities/define/define-activity.js';
import { Registry } from '../../../activities/define/registry.js';
import { resolveWith } from '../../../activities/step/resolve-with.js';

function activity(parts: Partial<ActivityDefinition>): ActivityDefinition {
  return defineActivity({
    name: 'test.activity',
    version: 1,
    summary: '',
    with: {},
    required: [],
    outputs: {},
    queue: 'cpu',
    timeout: '1m',
    heartbeat: '1m',
    isolation: 'inline',
    resumesFrom: '',
    load: () => Promise.reject(new Error('not loaded here')),
    ...parts,
  });
}

const definition = activity({
  with: {
    slide: fileInput('slide', 'A slide.'),
    annotation: fileInput('annotation', 'An annotation.'),
    bags: itemsInput('bag', 'Bags.'),
    preset: {
      anyOf: [{ enum: ['tcga', 'default'] }, fileInput('preset', 'A CSV file.')],
      default: 'default',
    },
    tables: { type: 'array', items: fileInput('table', 'A table.') },
    'patch-size': { type: 'integer', minimum: 1, default: 512 },
    threads: { type: 'integer', 'x-not-in-key': true },
  },
  required: ['slide'],
});

test('defaults are filled in, inputs are found, and only what counts enters the key', () => {
  const given = { slide: 'a.svs', tables: ['t.csv', 'u.csv'], threads: 4 };
  const { parameters, inputs, inKey } = resolveWith(definition, given);
  assert.equal(parameters['patch-size'], 512);
  assert.deepEqual(
    inputs.map(({ place, kind, value }) => [place.join('.'), kind, value]),
    [
      ['slide', 'file', 'a.svs'],
      ['tables.0', 'file', 't.csv'],
      ['tables.1', 'file', 'u.csv'],
    ],
  );
  assert.deepEqual(inKey, { tables: [null, null], preset: 'default', 'patch-size': 512 });
  assert.deepEqual(
    given,
    { slide: 'a.svs', tables: ['t.csv', 'u.csv'], threads: 4 },
    'what was given is left alone',
  );
});

test('a name instead of a file is not an input; an empty optional input or number counts as absent', () => {
  const named = resolveWith(definition, { slide: 'a.svs', preset: 'tcga', annotation: '' });
  assert.deepEqual(
    [named.inputs.length, named.inKey.preset, named.parameters.annotation],
    [1, 'tcga', undefined],
  );
  const unsaid = resolveWith(definition, { slide: 'a.svs', 'patch-size': '' });
  assert.equal(
    unsaid.parameters['patch-size'],
    resolveWith(definition, { slide: 'a.svs' }).parameters['patch-size'],
  );
  const file = resolveWith(definition, { slide: 'a.svs', preset: 'my.csv' });
  assert.deepEqual([file.inputs.length, file.inKey.preset], [2, undefined]);
});

test('all invalid parameters are named at once', () => {
  assert.throws(
    () => resolveWith(definition, { 'patch-size': 0, patchsize: 1 }),
    (error: Error) =>
      [
        '`with` requires the key `slide`',
        '`patch-size` must be at least 1, found the number 0',
        '`with` has no key `patchsize` (did you mean `patch-size`?)',
      ].every((part) => error.message.includes(part)),
  );
});

test('two activities with the same name are refused, wherever they are', () => {
  const plugin = (name: string) => ({ name, activities: [definition] });
  assert.throws(
    () => new Registry([plugin('a'), plugin('b')]),
    /`test\.activity` is defined in plugins a and b/,
  );
  assert.throws(
    () => new Registry([plugin('a')]).require('test.other'),
    /there is no activity `test\.other`.*test\.activity/s,
  );
});
