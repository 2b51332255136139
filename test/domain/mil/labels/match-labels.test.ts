import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchLabels, type MatchOptions } from '../../../../domain/mil/labels/labeled-bags.js';
import { hasCode } from '../support.js';
import { items, reader } from './label-tables.js';

test('`contains`: only whole words match, and the longest one is meant', (t) => {
  const read = reader(t);
  const match = (names: readonly string[], keys: readonly string[], options: Partial<MatchOptions> = {}) => {
    const table = read(names.map((name, i) => `${name},${i % 2}`));
    const { bags } = matchLabels(items(...keys), table, { match: 'contains', unmatched: 'drop', ...options });
    return Object.fromEntries(bags.map(({ key, group }) => [key, group]));
  };
  assert.deepEqual(match(['P1', 'P2'], ['P1-a', 'P10-a', 'P2_b', 'xP2', 'a.P1.b']), {
    'P1-a': 'P1',
    P2_b: 'P2',
    'a.P1.b': 'P1',
  });
  assert.deepEqual(match(['1', '2', '12'], ['1-a', '12-b', '112-c']), { '1-a': '1', '12-b': '12' });
  const twelve = Array.from({ length: 12 }, (_, i) => `P${i + 1}`);
  const slides = twelve.flatMap((name) => [`${name}-1`, `${name}-2`]);
  const found = match(twelve, slides, { unmatched: 'error' });
  assert.deepEqual(found, Object.fromEntries(slides.map((key) => [key, key.slice(0, -2)])));
  assert.deepEqual(match(['P1', 'P1-2'], ['P1-1-a', 'P1-2-a']), { 'P1-1-a': 'P1', 'P1-2-a': 'P1-2' });
  assert.throws(
    () => match(['A-1', 'B-2'], ['A-1-B-2']),
    hasCode('InvalidInput', /matches 2 rows.*line 1 "A-1", line 2 "B-2"/),
  );
  assert.throws(
    () => match(['P1', 'P2'], ['P1-1', 'P2-1', 'P10-1'], { unmatched: 'error' }),
    hasCode('InvalidInput', /no label for 1 slide: P10-1/),
  );
});

test('labels that match no slide name the similar slide, or what a spreadsheet made of the name', (t) => {
  const next = (name: string, key: string) => {
    const table = reader(t)([`${name},0`, 'other,1']);
    let message = '';
    assert.throws(
      () => matchLabels(items(key, 'other'), table, { match: 'exact', unmatched: 'error' }),
      (error: Error) => (message = error.message.replace(/^.*Next: /s, '')) !== '',
    );
    return message;
  };
  const similar = [
    ['S01', 's01'],
    ['1', '001'],
    ['/data/x/s01.h5', 's01'],
    ['C:\\x\\s01.svs', 's01'],
    ['s01.ndpi', 'S01'],
  ];
  for (const [name, key] of similar)
    assert.ok(next(name, key).startsWith(`write "${key}" for "${name}"`), name);
  assert.match(next('s\u200b01', 's01'), /write "s01" for "s\\u200b01"/);
  for (const name of ['02-Jan', 'Jan-02', '2024-01-02 00:00:00', '1.2.2024', '1.23457E+14'])
    assert.match(next(name, '1-2'), /may be what a spreadsheet made of a name/, name);
  assert.match(next('a', 'b'), /^correct the labels file, or set/);
  const twice = ['1.2E+14,0', '1.2E+14,1'];
  assert.throws(
    () => reader(t)(twice),
    hasCode('InvalidInput', /has two labels.*a spreadsheet made of a name/s),
  );
});

test('names match in every Unicode form', (t) => {
  const table = reader(t)(['M\u00fcller-1.svs,0', 'Mu\u0308ller-2,1']);
  const { bags } = matchLabels(items('Mu\u0308ller-1', 'M\u00fcller-2'), table, {
    match: 'exact',
    unmatched: 'error',
  });
  assert.deepEqual(bags.map(({ label }) => label).sort(), [0, 1]);
});
