import assert from 'node:assert/strict';
import { test } from 'node:test';
import { evaluate, evaluateCondition } from '../../../../../domain/engine/language/expressions/evaluate.js';
import { ExpressionError } from '../../../../../domain/engine/language/expressions/error.js';
import type { Json } from '../../../../../domain/json.js';

const context = {
  params: { seed: 2021, 'patch-size': 256, models: ['abmil', 'sam-mil'], data: '/data', none: null },
  matrix: { model: 'sam-mil', repeat: 2 },
  slide: { path: '/data/slides/CMU-1.svs', label: '1', 'has space': true },
  needs: { train: { cells: { 'sam-mil-0-0': { checkpoint: { path: 'a.safetensors', bytes: 3 } } } } },
};

const values: [string, Json][] = [
  ['1', 1],
  [' true ', true],
  ['null', null],
  ["'it''s'", "it's"],
  ['1.5e2', 150],
  ['params.seed + matrix.repeat', 2023],
  ['params.patch-size', 256],
  ['params.patch-size - 1', 255],
  ['params.patch-size -1', 255],
  ['1-2', -1],
  ['2 - -3', 5],
  ['1 + 2 * 3', 7],
  ['(1 + 2) * 3', 9],
  ['8 - 4 - 2', 2],
  ['7 % 4 / 2', 1.5],
  ['-2 * 3', -6],
  ["'a' + 'b'", 'ab'],
  ['1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3', true],
  ["'a' < 'b'", true],
  ['!true || 1 == 1', true],
  ['true || false && false', true],
  ["'' || 'other'", 'other'],
  ["matrix.model == 'sam-mil' && 'yes' || 'no'", 'yes'],
  ['params.none == null', true],
  ['slide.label != null', true],
  ['params.models == fromJSON(\'["abmil", "sam-mil"]\')', true],
  ["slide['has space']", true],
  ["needs.train.cells['sam-mil-0-0'].checkpoint.bytes", 3],
  ["needs.train.cells[format('{0}-{1}-{1}', matrix.model, 0)].checkpoint.path", 'a.safetensors'],
  ['params.models[1]', 'sam-mil'],
  ['range(3)', [0, 1, 2]],
  ['range(1, 3)', [1, 2]],
  ['range(5, 0, -2)', [5, 3, 1]],
  ['range(0)', []],
  ["format('{1}{0}{{}}', 1, 'x')", 'x1{}'],
  ["join(params.models, '+')", 'abmil+sam-mil'],
  ['join(range(3))', '0,1,2'],
  ["contains(params.models, 'abmil')", true],
  ["contains(params.models, 'ab')", false],
  ["contains(slide.path, 'CMU')", true],
  ["startsWith(slide.path, '/data') && endsWith(slide.path, '.svs')", true],
  ['basename(slide.path)', 'CMU-1.svs'],
  ["basename(slide.path, '.svs')", 'CMU-1'],
  ["basename('C:\\slides\\a.tif', '.tif')", 'a'],
  ["default(slide.annotation, 'none')", 'none'],
  ["default(slide.annotation.deeper, 'none')", 'none'],
  ['default(params.none, 1)', 1],
  ['default(params.seed, 1)', 2021],
  ["choose(matrix.model == 'sam-mil', 0, 1)", 0],
  ['choose(params.none, params.nothing, 1)', 1],
  ['choose(true, 1, params.nothing)', 1],
  ['length(params.models) + length(slide.label)', 3],
  ['number(slide.label) == 1', true],
  ['string(params.seed)', '2021'],
  ['toJSON(matrix)', '{"model":"sam-mil","repeat":2}'],
  ['fromJSON(\'{"a": [1, null]}\').a[0]', 1],
  ['false && params.nothing', false],
  ['true || params.nothing', true],
];

for (const [source, expected] of values) {
  test(`${source} is ${JSON.stringify(expected)}`, () => {
    assert.deepEqual(evaluate(source, context), expected);
  });
}

/** Source, the text that the error marks, and words of its message and hint. */
const mistakes: [string, string, RegExp, RegExp?][] = [
  ['', '', /empty/],
  ['1 +', '', /found the end/],
  ['1 2', '2', /after the end/],
  ['(1', '', /expected `\)`/],
  ['a[1', '', /expected `\]`/],
  ['params.', '', /name after the dot/],
  ['params.seeds', 'seeds', /has no field `seeds`/, /did you mean `seed`/],
  ['params.seed-1', 'seed-1', /has no field `seed-1`/],
  ['paramz.seed', 'paramz', /`paramz` is not defined/, /`params`/],
  ['rang(3)', 'rang', /function `rang` does not exist/, /`range`/],
  ['range', 'range', /is a function/, /range\(\)/],
  ['range()', 'range()', /1 to 3 arguments/],
  ['basename(1)', 'basename(1)', /requires text/, /string\(value\)/],
  ['"x"', '"', /unexpected/, /single quotes/],
  ["'open", "'open", /not closed/],
  ['a = 1', '=', /unexpected/, /==/],
  ['a & b', '&', /unexpected/, /&&/],
  ['1 ? 2 : 3', '?', /unexpected/],
  ['12abc', '12a', /begin with a digit/],
  ['slide.label == 1', 'slide.label == 1', /cannot compare text with a number/, /number\(value\)/],
  ["'a' + 1", "'a' + 1", /two numbers/, /format/],
  ['params.models + 1', 'params.models + 1', /found a list and a number/],
  ['1 / 0', '1 / 0', /division by zero/],
  ['1e308 * 10', '1e308 * 10', /too large/],
  ['1e999', '1e999', /too large/],
  ["'a' < 1", "'a' < 1", /two numbers or two text values/],
  ["-'a'", "'a'", /requires a number/],
  ['params.models[2]', '2', /2 members/],
  ["params.models['length']", "'length'", /whole number/],
  ['params.seed.x', 'params.seed.x', /no fields/],
  ['params.constructor', 'constructor', /has no/],
  ['params.__proto__', '__proto__', /has no/],
  ["params['toString']", "'toString'", /has no/],
  ['__proto__', '__proto__', /`__proto__` is not defined/],
  ['constructor()', 'constructor', /does not exist/],
  ['toString(1)', 'toString', /does not exist/],
  ['range(100000000)', 'range(100000000)', /at most 10000/],
  ['range(1, 5, 0)', 'range(1, 5, 0)', /cannot be 0/],
  ['range(1.5)', 'range(1.5)', /whole numbers/],
  ["format('{1}', 1)", "format('{1}', 1)", /no value for \{1\}/],
  ["format('{', 1)", "format('{', 1)", /single/],
  ["number('0,25')", "number('0,25')", /"0,25" is not a number; write 0\.25, with a decimal point$/],
  ["number('0,25 µm')", "number('0,25 µm')", /write 0\.25, with a decimal point and without a unit$/],
  ["number('NA')", "number('NA')", /is not a number$/],
  ["fromJSON('{')", "fromJSON('{')", /invalid JSON/],
  ["fromJSON('1e999')", "fromJSON('1e999')", /no JSON form/],
  ["number('1x')", "number('1x')", /not a number/],
  ['default(params.seed.x.y, 1)', 'params.seed.x', /no fields/],
];

for (const [source, marked, message, hint] of mistakes) {
  test(`mistake: ${source || '(empty)'}`, () => {
    const error = caught(source);
    assert.match(error.fault, message);
    assert.equal(source.slice(error.span.start, error.span.end), marked);
    if (hint) assert.match(error.hint ?? '', hint);
    assert.equal(error.code, 'InvalidInput');
    assert.equal(error.retryable, false);
  });
}

test('expressions are bounded in size and depth', () => {
  assert.match(caught(`${'('.repeat(500)}1${')'.repeat(500)}`).fault, /nested too deeply/);
  assert.match(caught(`${'!'.repeat(500)}1`).fault, /nested too deeply/);
  assert.match(caught(`a${'[0]'.repeat(500)}`).fault, /path is too long/);
  assert.match(caught(`1${'+1'.repeat(500)}`).fault, /too long/);
  assert.match(caught(`1${' '.repeat(5000)}`).fault, /5001 characters/);
  const doubling = "join(fromJSON(format('[{0},{0}]', toJSON(join(range(9999), 'xxxxxxxx')))))";
  assert.match(caught(doubling).fault, /at most 65536/);
});

test('conditions require success unless they call a status function', () => {
  const well = { success: true, failure: false };
  const failed = { success: false, failure: true };
  const cases: [string | undefined, boolean, boolean][] = [
    [undefined, true, false],
    ['true', true, false],
    ['always()', true, true],
    ['failure()', false, true],
    ['success()', true, false],
    ['!success() || params.seed == 0', false, true],
    ['params.seed == 2021', true, false],
    ['params.seed == 0', false, false],
    ["''", false, false],
  ];
  for (const [source, whenWell, whenFailed] of cases) {
    assert.equal(evaluateCondition(source, context, well), whenWell, `${source} after success`);
    assert.equal(evaluateCondition(source, context, failed), whenFailed, `${source} after failure`);
  }
});

function caught(source: string): ExpressionError {
  try {
    evaluate(source, context);
  } catch (error) {
    assert.ok(error instanceof ExpressionError, `${String(error)} is no ExpressionError`);
    return error;
  }
  throw new assert.AssertionError({ message: `${source} was accepted` });
}
