import assert from 'node:assert/strict';
import { test } from 'node:test';
import { escapeGlob, splitPattern, unescapeGlob } from '../../../../domain/engine/language/glob-text.js';

test('a folder before the first wildcard is literal text', () => {
  const cases: [pattern: string, folder: string, rest: string, open: boolean][] = [
    ['*.svs', '', '*.svs', true],
    ['/*.svs', '/', '*.svs', true],
    ['/data/a b/*.svs', '/data/a b', '*.svs', true],
    [
      `${escapeGlob('/data/Study [A-C] (2) @(v) {1,2} a!b')}/*.h5`,
      '/data/Study [A-C] (2) @(v) {1,2} a!b',
      '*.h5',
      true,
    ],
    ['a/*/b/c.svs', 'a', '*/b/c.svs', false],
    ['a/b.svs', 'a', 'b.svs', false],
    ['b.svs', '', 'b.svs', false],
    ['series/*/', 'series', '*/', true],
    ['../x/**/*.{svs,tif}', '../x', '**/*.{svs,tif}', true],
    ['a/+(b|c)/d', 'a', '+(b|c)/d', false],
  ];
  for (const [pattern, folder, rest, open] of cases) {
    assert.deepEqual(splitPattern(pattern), { folder, pattern: rest, open }, pattern);
  }
});

test('escaping and its reversal', () => {
  for (const text of ['a[1]', 'x{a,b}', '(2)', '!x', '@(a|b)', 'a\\b', '*?+', 'plain']) {
    assert.equal(unescapeGlob(escapeGlob(text)), text);
  }
});
