import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  foldCondition,
  foldExpression,
  foldTemplate,
  references,
  wholeReference,
} from '../../../../../domain/engine/language/expressions/analysis.js';
import { ExpressionError } from '../../../../../domain/engine/language/expressions/error.js';
import { printExpression } from '../../../../../domain/engine/language/expressions/print.js';
import { parseExpression } from '../../../../../domain/engine/language/expressions/syntax.js';
import { evaluate, evaluateCondition } from '../../../../../domain/engine/language/expressions/evaluate.js';
import { evaluateTemplate } from '../../../../../domain/engine/language/expressions/template.js';
import type { Json, JsonObject } from '../../../../../domain/json.js';
import { RandomStream } from '../../../../../domain/random.js';

test('a reference is a path with the place of each member and ends at the first computed one', () => {
  const source = "needs.train.cells[matrix.model].checkpoint + default(slide.mpp, params['x y'])";
  const found = references(parseExpression(source));
  const paths = found.map(({ root, path, complete, optional }) => [root, path, complete, optional]);
  assert.deepEqual(paths, [
    ['needs', ['train', 'cells'], false, false],
    ['matrix', ['model'], true, false],
    ['slide', ['mpp'], true, true],
    ['params', ['x y'], true, false],
  ]);
  const marked = found[0].spans.map(({ start, end }) => source.slice(start, end));
  assert.deepEqual(marked, ['needs', 'train', 'cells']);
  assert.deepEqual(wholeReference(parseExpression("a.b['c'][0]"))?.path, ['b', 'c', 0]);
  assert.equal(wholeReference(parseExpression('a.b + 1')), undefined);
  assert.equal(wholeReference(parseExpression('a[b.c]')), undefined);
  assert.equal(wholeReference(parseExpression("fromJSON('{}').a")), undefined);
});

const known = { params: { seed: 2021, models: ['a', "b'c"], zero: 0, odd: '${{ matrix.x }}', dollar: '$' } };

const folds: [string, string][] = [
  ['params.seed + matrix.repeat', '2021 + matrix.repeat'],
  ['params.seed + 1', '2022'],
  ['(params.zero - 5) * matrix.x', '-5 * matrix.x'],
  ['matrix.x - (params.seed + matrix.y)', 'matrix.x - (2021 + matrix.y)'],
  ['contains(params.models, matrix.model)', 'contains(fromJSON(\'["a","b\'\'c"]\'), matrix.model)'],
  ['params.models[matrix.i]', 'fromJSON(\'["a","b\'\'c"]\')[matrix.i]'],
  ["needs.a.cells[format('{0}-0', params.models[0])].x", 'needs.a.cells.a-0.x'],
  ["needs.a['b c'].d", "needs.a['b c'].d"],
  ['params.zero && matrix.x', '0'],
  ['params.seed && matrix.x', 'matrix.x'],
  ['params.zero || matrix.x', 'matrix.x'],
  ['default(params.nothing, matrix.x)', 'matrix.x'],
  ['default(params.seed, matrix.x)', '2021'],
  ['default(params.zero, needs.a.outputs.x)', '0'],
  ['default(matrix.x, params.seed)', 'default(matrix.x, 2021)'],
  ['default(params.nothing, 3)', '3'],
  ['choose(params.zero, params.nothing, matrix.x)', 'matrix.x'],
  ['choose(matrix.x, params.nothing, params.seed)', 'choose(matrix.x, params.nothing, 2021)'],
  ['matrix.x && params.seed || params.zero', 'matrix.x && 2021 || 0'],
  ['!(matrix.a && matrix.b)', '!(matrix.a && matrix.b)'],
  ['(matrix.a || matrix.b) && matrix.c', '(matrix.a || matrix.b) && matrix.c'],
];

for (const [source, expected] of folds) {
  test(`${source} folds to ${expected}`, () => assert.equal(foldExpression(source, known), expected));
}

test('folding reports mistakes in known parts', () => {
  assert.throws(() => foldExpression('params.sed + matrix.x', known), /did you mean `seed`/);
});

test('a folded condition still calls a status function if it did before', () => {
  const failed = { success: false, failure: true };
  for (const source of [
    'true || always()',
    'always() || params.seed',
    'false && always()',
    'params.seed > 1',
  ]) {
    const folded = foldCondition(source, known);
    const expected = evaluateCondition(source, known, failed);
    assert.equal(evaluateCondition(folded, {}, failed), expected, `${source} -> ${folded}`);
  }
});

test('templates are folded, and computed text is never evaluated again', () => {
  const cases: [Json, Json][] = [
    ['${{ params.seed }}', 2021],
    ['${{ params.models }}', ['a', "b'c"]],
    ['s${{ params.seed }}-${{ matrix.x }}', 's2021-${{ matrix.x }}'],
    [' ${{ params.seed + matrix.x }} ', '${{ 2021 + matrix.x }}'],
    ['${{ params.odd }}', '$${{ matrix.x }}'],
    ['a ${{ params.odd }}', 'a $${{ matrix.x }}'],
    ['$${{ params.seed }}', '$${{ params.seed }}'],
    [{ list: ['${{ params.dollar }}${{ matrix.x }}'] }, { list: ["${{ '$' }}${{ matrix.x }}"] }],
  ];
  for (const [template, expected] of cases) {
    assert.deepEqual(foldTemplate(template, known), expected);
    const context = { ...known, matrix: { x: 7 } };
    const folded = foldTemplate(template, known);
    assert.deepEqual(evaluateTemplate(folded, context), evaluateTemplate(template, context));
  }
});

/** A failing case prints its seed. */
function generator(seed: number): (below: number) => number {
  const stream = new RandomStream('expressions', seed);
  return (below) => stream.below(below);
}

const CONTEXT: JsonObject = {
  params: { n: 3, text: "it's", list: [1, 'b'], 'a-b': true, none: null, odd: '${{ x }}' },
  matrix: { n: 2, text: 'b', list: [0], 'a-b': false, none: null, odd: '$' },
};

function randomExpression(random: (below: number) => number, depth: number): string {
  const inner = (): string => randomExpression(random, depth - 1);
  const pick = <T>(choices: T[]): T => choices[random(choices.length)];
  const root = (): string => pick(['params', 'matrix']);
  if (depth === 0 || random(5) === 0) {
    const field = pick(['.n', '.text', '.list', '.a-b', '.none', "['odd']", '.absent', '.list[0]']);
    return pick(['1', '0', '2.5', "'b'", "''''", 'true', 'null', root() + field, root() + field]);
  }
  const operator = pick(['+', '-', '*', '/', '%', '==', '!=', '<', '>=', '&&', '||']);
  const call = pick(['default', 'contains', 'join', 'toJSON', 'length', 'string', 'range', 'format']);
  const shapes = [
    () => `${inner()} ${operator} ${inner()}`,
    () => `(${inner()}) ${operator} (${inner()})`,
    () => `${pick(['!', '-'])}${inner()}`,
    () => `${call}(${inner()}${['default', 'contains'].includes(call) ? `, ${inner()}` : ''})`,
    () => `choose(${inner()}, ${inner()}, ${inner()})`,
    () => `${root()}.list[${inner()}]`,
    () => `(${inner()})[${inner()}]`,
  ];
  return pick(shapes)();
}

/** The value, or a word that describes why there is none. */
function outcome(compute: () => Json): Json {
  try {
    return { value: compute() };
  } catch (error) {
    assert.ok(error instanceof ExpressionError, `not an ExpressionError: ${String(error)}`);
    assert.ok(error.span.start >= 0 && error.span.end > error.span.start);
    return 'error';
  }
}

test('random expressions: printing and folding preserve the value', () => {
  let valued = 0;
  for (let seed = 1; seed <= 3000; seed++) {
    const source = randomExpression(generator(seed), 4);
    const expected = outcome(() => evaluate(source, CONTEXT));
    if (expected !== 'error') valued++;
    const printed = printExpression(parseExpression(source));
    assert.deepEqual(
      outcome(() => evaluate(printed, CONTEXT)),
      expected,
      `seed ${seed}: ${source}`,
    );
    const folded = outcome(() => {
      return evaluate(foldExpression(source, { params: CONTEXT.params }), { matrix: CONTEXT.matrix });
    });
    assert.deepEqual(folded, expected, `seed ${seed}: ${source}`);
  }
  assert.ok(valued > 500, `only ${valued} of the random expressions have a value`);
});

test('random texts: the parser throws nothing but ExpressionError', () => {
  const pieces = [
    "'",
    '"',
    '(',
    ')',
    '[',
    ']',
    '.',
    ',',
    '1',
    '1e9',
    'a',
    'params',
    'range',
    '&&',
    '!',
    '-',
    ' ',
    '=',
    '$',
    '{',
    '}}',
    '${{',
    '\\',
    '\n',
    'é',
    '\u0000',
  ];
  for (let seed = 1; seed <= 3000; seed++) {
    const random = generator(seed);
    const source = Array.from({ length: random(12) }, () => pieces[random(pieces.length)]).join('');
    outcome(() => evaluate(source, CONTEXT));
    outcome(() => evaluateTemplate(source, CONTEXT));
    outcome(() => evaluateTemplate(foldTemplate(`\${{ ${source} }}`, {}), CONTEXT));
  }
});
