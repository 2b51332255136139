import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMs } from '../../../../../domain/engine/language/plan/duration.js';
import { ExpressionError } from '../../../../../domain/engine/language/expressions/error.js';
import {
  couldBecome,
  escapeTemplate,
  evaluateTemplate,
} from '../../../../../domain/engine/language/expressions/template.js';
import type { Json } from '../../../../../domain/json.js';

const context = {
  params: { n: 3, on: true, list: [1, 2], text: 'a', nothing: null },
  slide: { path: '/x.svs' },
};

const values: [Json, Json][] = [
  ['plain', 'plain'],
  ['', ''],
  ['${{ params.n }}', 3],
  ['  ${{ params.on }}\n', true],
  ['${{ params.list }}', [1, 2]],
  ['${{ params.nothing }}', null],
  ['${{params.text}}-${{ params.n }}', 'a-3'],
  ['${{ params.n }}${{ params.n }}', '33'],
  ['is ${{ params.on }}', 'is true'],
  ["${{ format('}}{0}', params.n) }}", '}3'],
  ["${{ 'a }} b' }}", 'a }} b'],
  ['$${{ params.n }}', '${{ params.n }}'],
  ['a $${{ b }} ${{ params.n }} }}', 'a ${{ b }} 3 }}'],
  ['$5 and }}', '$5 and }}'],
  [
    { a: ['${{ params.n }}', 1, null, false], b: { c: 'x${{ params.n }}' } },
    { a: [3, 1, null, false], b: { c: 'x3' } },
  ],
  [7, 7],
];

for (const [template, expected] of values) {
  test(`${JSON.stringify(template)} gives ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(evaluateTemplate(template, context), expected);
  });
}

test('a key named __proto__ is a plain key', () => {
  const value = JSON.parse('{"__proto__": {"polluted": "${{ params.n }}"}}') as Json;
  const result = evaluateTemplate(value, context) as Record<string, Json>;
  assert.deepEqual(Object.keys(result), ['__proto__']);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
  assert.equal(Object.getPrototypeOf(result), Object.prototype);
});

const mistakes: [string, string, RegExp][] = [
  ['a ${{ params.n', '${{', /has no matching }}/],
  ['${{ a ${{ b }}', '${{', /has no matching }}/],
  ["${{ 'open }}", '${{', /not closed/],
  ['${{ }}', ' ', /empty/],
  ['x ${{ params.list }}', '${{ params.list }}', /a list cannot be converted to text/],
  ['x ${{ params }}', '${{ params }}', /an object cannot be converted to text/],
  ['x ${{ params.nothing }}', '${{ params.nothing }}', /nothing \(null\) cannot be converted to text/],
  ['abc ${{ params.m }}', 'm', /has no field `m`/],
];

for (const [template, marked, message] of mistakes) {
  test(`mistake in ${template}`, () => {
    assert.throws(
      () => evaluateTemplate([template], context),
      (error) => {
        assert.ok(error instanceof ExpressionError);
        assert.match(error.fault, message);
        assert.equal(template.slice(error.span.start, error.span.end), marked);
        return true;
      },
    );
  });
}

test('an escaped text evaluates to itself', () => {
  for (const text of ['a ${{ b }}', '$${{ x', '$$$', '${{', 'plain', '${{${{']) {
    assert.equal(evaluateTemplate(escapeTemplate(text), {}), text);
  }
});

test('durations are parsed to milliseconds, and invalid ones are rejected', () => {
  const good: [string, number][] = [
    ['1ms', 1],
    ['30s', 30_000],
    ['1.5h', 5_400_000],
    ['2 d', 172_800_000],
    ['365d', 31_536_000_000],
  ];
  for (const [text, expected] of good) assert.equal(durationMs(text), expected, text);
  for (const text of ['', '30', '0s', '-1s', '1h30m', '5 minutes', '1w', '366d', '1e3s', '30S', ' 1s']) {
    assert.equal(durationMs(text), undefined, text);
  }
});

test('a value is one of a template only if the text around its expressions is there', () => {
  const values: [Json, Json][] = [
    ['${{ slide.path }}', { any: 1 }],
    ['${{ a }}-${{ b }}.csv', 'x-y-z.csv'],
    ['a${{ b }}a', 'aa'],
    ['$${{ b }}', '${{ b }}'],
    [{ a: ['${{ x }}', 1, null] }, { a: [[], 1, null] }],
  ];
  for (const [template, value] of values) assert.ok(couldBecome(template, value), JSON.stringify(template));
  const others: [Json, Json][] = [
    ['a${{ b }}a', 'a'],
    ['${{ a }}-${{ b }}.csv', 'xy.csv'],
    ['${{ a }}x', 5],
    ['$${{ b }}', 'other'],
    [[1], { 0: 1 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [1, '1'],
  ];
  for (const [template, value] of others) assert.ok(!couldBecome(template, value), JSON.stringify(template));
});
