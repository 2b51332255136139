import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { LoadOptions } from '../../../../domain/engine/language/load-pipeline.js';
import { fixture } from '../../../support/fixtures.js';
import { load, planned, stageOf as stage } from '../../../support/planned.js';

/** Codes with line and column. */
function codes(text: string, options: Partial<LoadOptions> = {}): string[] {
  return load(text, options).problems.map(({ code, place, file }) => {
    return `${file ?? ''}${place.line}:${place.column} ${code}`;
  });
}

const wholeFile = fixture('pipelines/whole.yaml');
const whole = readFileSync(wholeFile, 'utf8');

test('a complete file is planned without problems: 18 cells to train, aligned stages, params filled in', () => {
  const plan = planned(whole, { file: wholeFile });
  const names = plan.stages.map(({ name }) => name);
  assert.deepEqual(names, [
    'region',
    'cohort',
    'preprocess',
    'split',
    'train',
    'evaluate',
    'heatmap',
    'report',
  ]);
  assert.equal(plan.work, '/home/me/work/quickstart');
  assert.equal(plan.base, dirname(wholeFile));
  const { source } = stage(plan, 'train');
  assert.ok(source.kind === 'matrix');
  assert.equal(source.cells.length, 18);
  assert.deepEqual(source.cells[17], {
    key: 'sam-mil-2-2',
    values: { model: 'sam-mil', repeat: 2, fold: 2 },
  });
  assert.deepEqual(stage(plan, 'train').steps[0].with.seed, '${{ 2021 + matrix.repeat }}');
  assert.deepEqual(stage(plan, 'evaluate').source, { kind: 'from', stage: 'train', as: 'matrix' });
  assert.deepEqual(stage(plan, 'heatmap').source, { kind: 'from', stage: 'preprocess', as: 'slide' });
  assert.deepEqual(stage(plan, 'region').source, {
    kind: 'glob',
    value: join(dirname(wholeFile), 'data/slides/*.svs'),
    as: 'slide',
  });
  assert.deepEqual(stage(plan, 'preprocess').source, {
    kind: 'csv',
    value: '${{ needs.cohort.outputs.table }}',
    as: 'slide',
    keyField: 'slide_id',
  });
  assert.equal(stage(plan, 'report').if, 'always()');
  assert.equal(stage(plan, 'train').steps[0].retry.maxAttempts, 10);
  assert.equal(stage(plan, 'train').steps[0].retry.initialInterval, '1s');
});

test('a smaller matrix through --set: references to removed cells are reported', () => {
  const set = [
    ['models', 'abmil'],
    ['repeats', '1'],
    ['epochs', '2'],
  ] as const;
  const { problems, plan } = load(whole, { file: wholeFile, set });
  assert.equal(plan, undefined);
  assert.equal(problems.length, 1);
  assert.equal(problems[0].code, 'unknown-cell');
  assert.match(problems[0].message, /no cell `sam-mil-0-0`/);
  assert.equal(problems[0].hint, 'did you mean `abmil-0-0`?');
});

const PARAMS = `
pipeline: 1
name: p
params:
  path: { type: path, default: data }
  text: { type: string, default: "1" }
  whole: { type: integer, default: 1, minimum: 1 }
  real: { type: number, default: 1 }
  flag: { type: boolean, default: false }
  list: { type: list, default: [a] }
  paths: { type: list, items: path, default: [a.svs, /b.svs] }
  ids: { type: list, items: integer, default: [1] }
  choice: { type: enum, enum: [a, 1, true], default: a }
  needed: { type: string }
stages:
  a:
    uses: pathology.patch
    with: { slide: a.svs }
    if: "length(toJSON(params.path)) > 0 && params.text == '' || params.whole + params.real > 0 || params.flag || contains(params.list, 'a') || length(params.paths) > 0 || length(params.ids) > 0 || params.choice == 'a' || params.needed == ''"
`;

test('params: every type is read from defaults, the command line and a params file', () => {
  const defaults = planned(PARAMS, { set: [['needed', 'x']] }).params;
  assert.deepEqual(defaults.path, '/pipelines/data');
  assert.deepEqual(defaults.paths, ['/pipelines/a.svs', '/b.svs']);
  const set: [string, string][] = [
    ['path', 'mine'],
    ['text', '007'],
    ['whole', '2'],
    ['whole', '3'],
    ['real', '-1.5e-3'],
    ['flag', 'true'],
    ['list', 'a, 2,true,,001'],
    ['paths', '["x,y.svs"]'],
    ['ids', '1,2'],
    ['choice', 'true'],
    ['needed', ''],
  ];
  assert.deepEqual(planned(PARAMS, { set }).params, {
    path: '/home/me/mine',
    text: '007',
    whole: 3,
    real: -0.0015,
    flag: true,
    list: ['a', 2, true, '', '001'],
    paths: ['/home/me/x,y.svs'],
    ids: [1, 2],
    choice: true,
    needed: '',
  });
  const overlay = { text: 'path: other\nneeded: y\nwhole: 5\nids: []\n', file: 'over.yaml', folder: '/over' };
  const both = planned(PARAMS, { overlay, set: [['whole', '6']] }).params;
  assert.deepEqual([both.path, both.needed, both.whole, both.ids], ['/over/other', 'y', 6, []]);
});

test('params: invalid values are rejected with their source', () => {
  const set: [string, string][] = [
    ['whole', '1.5'],
    ['whole', '0'],
    ['whole', ''],
    ['real', 'NaN'],
    ['flag', 'yes'],
    ['ids', '1,x'],
    ['ids', '[1'],
    ['choice', 'b'],
    ['whol', '1'],
    ['needed', 'x'],
  ];
  const { problems } = load(PARAMS, { set });
  const said = problems.map(({ code, message, hint }) => [code, message.split(':')[0], hint ?? '']);
  assert.deepEqual(said, [
    ['unknown-param', '--set whol=1', 'did you mean `whole`?'],
    ['wrong-type', '--set whole=1.5', ''],
    ['bad-value', '--set whole=0', ''],
    ['wrong-type', '--set whole=', ''],
    ['wrong-type', '--set real=NaN', ''],
    ['wrong-type', '--set flag=yes', 'write true'],
    ['wrong-type', '--set ids=1,x', ''],
    ['wrong-type', '--set ids=[1', 'write [a, b]'],
    ['bad-value', '--set choice=b', ''],
  ]);
  const overlay = {
    text: 'whole: x\nnone: 1\nwhole: 2\nreal: ${{ 1 }}\n',
    file: 'over.yaml',
    folder: '/over',
  };
  const found = codes(PARAMS, { overlay, set: [['needed', 'x']] });
  assert.deepEqual(found, [
    'over.yaml1:8 wrong-type',
    'over.yaml2:1 unknown-param',
    'over.yaml3:1 duplicate-key',
  ]);
});

test('a param without a value prevents a plan but not the check of the file', () => {
  assert.deepEqual(codes(PARAMS), ['14:3 missing-param']);
  const checked = load(PARAMS, { withoutValues: true });
  assert.deepEqual([checked.problems, checked.plan], [[], undefined]);
});

test('settings: for each key, step overrides stage, defaults and activity', () => {
  const plan = planned(`
pipeline: 1
name: p
params: { queue: { type: string, default: big-gpu }, attempts: { type: integer, default: 7 } }
defaults: { timeout: 3h, max-parallel: 2, fail-fast: true, retry: { max-attempts: 5, maximum-interval: 9m } }
stages:
  a:
    foreach: { list: [a.svs] }
    heartbeat: 10s
    stall: 20m
    min-success: 0.5
    retry: { backoff-coefficient: 3 }
    steps:
      - { id: x, uses: pathology.patch, with: { slide: "\${{ item.path }}" } }
      - id: y
        uses: pathology.extract
        if: \${{ steps.x.outputs.count > 0 }}
        with: { slide: "\${{ item.path }}", patches: "\${{ steps.x.outputs.patches }}", encoder: e }
        timeout: 1d
        stall: off
        runs-on: "\${{ params.queue }}"
        retry: { max-attempts: "\${{ params.attempts }}", non-retryable: [CorruptSlide] }
  b: { uses: pathology.patch, with: { slide: a.svs, preset: }, max-parallel: 1, fail-fast: false }
`);
  const [x, y] = stage(plan, 'a').steps;
  const retry = { initialInterval: '5s', backoffCoefficient: 3, maximumInterval: '9m' };
  assert.deepEqual([x.timeout, x.heartbeat, x.stall, x.queue], ['3h', '10s', '20m', 'cpu']);
  assert.deepEqual(x.retry, { ...retry, maxAttempts: 5, nonRetryable: [] });
  assert.deepEqual(
    [y.timeout, y.heartbeat, y.stall, y.queue, y.if],
    ['1d', '10s', 'off', 'big-gpu', 'steps.x.outputs.count > 0'],
  );
  assert.deepEqual(y.retry, { ...retry, maxAttempts: 7, nonRetryable: ['CorruptSlide'] });
  const { maxParallel, failFast, minSuccess } = stage(plan, 'a');
  assert.deepEqual([maxParallel, failFast, minSuccess], [2, true, 0.5]);
  const b = stage(plan, 'b');
  assert.deepEqual([b.maxParallel, b.failFast, b.minSuccess, b.source], [1, false, 1, { kind: 'single' }]);
  assert.deepEqual([b.steps[0].id, b.steps[0].with], ['b', { slide: 'a.svs' }]);
});

test('a param whose default is null is optional, and null unsets it', () => {
  const text = `
pipeline: 1
name: p
params: { table: { type: path, default: null }, size: { type: integer, default: null, minimum: 2 } }
stages:
  a:
    uses: pathology.patch
    with: { slide: a.svs, patch-size: "\${{ params.size }}", preset: "\${{ params.table }}" }
`;
  assert.deepEqual(stage(planned(text), 'a').steps[0].with, { slide: 'a.svs' });
  const set = (...pairs: [string, string][]) => load(text, { set: pairs });
  assert.deepEqual(set(['size', '5'], ['size', 'null']).plan?.stages[0].steps[0].with, { slide: 'a.svs' });
  assert.equal(set(['size', '5']).plan?.stages[0].steps[0].with['patch-size'], 5);
  assert.match(
    set(['size', '1'])
      .problems.map(({ message }) => message)
      .join(),
    /must be at least 2, found 1/,
  );
});

test('stages are ordered by their needs, otherwise in file order', () => {
  const copy = (needs: string) =>
    `{ ${needs === '' ? '' : `needs: [${needs}], `}uses: pipeline.copy, with: { files: [${needs
      .split(',')
      .filter(Boolean)
      .map((need) => `"\${{ needs.${need}.result }}"`)
      .join(', ')}], to: x } }`;
  const text = `pipeline: 1\nname: p\nstages:\n  d: ${copy('c')}\n  b: ${copy('')}\n  c: ${copy('a,b')}\n  a: ${copy('')}\n`;
  assert.deepEqual(
    planned(text).stages.map(({ name }) => name),
    ['b', 'a', 'c', 'd'],
  );
});

test('work folder: --work, then work:, then work/<name>', () => {
  const text = (work: string) =>
    `pipeline: 1\nname: p\n${work}stages: { a: { uses: pathology.patch, with: { slide: a.svs } } }\n`;
  assert.equal(planned(text('')).work, '/home/me/work/p');
  assert.equal(planned(text('work: out\n')).work, '/pipelines/out');
  assert.equal(planned(text('work: /abs\n')).work, '/abs');
  assert.equal(planned(text('work: out\n'), { work: 'here' }).work, '/home/me/here');
});

test('the value of a param is never evaluated as an expression', () => {
  const text = `
pipeline: 1
name: p
params: { title: { type: string, default: x } }
stages:
  a: { foreach: { list: [a.svs] }, uses: pathology.extract, with: { slide: a, patches: b, encoder: "\${{ params.title }} \${{ item.name }}" } }
`;
  const plan = planned(text, { set: [['title', '${{ needs.secret }}']] });
  assert.equal(stage(plan, 'a').steps[0].with.encoder, '$${{ needs.secret }} ${{ item.name }}');
});

test('anchors work inside a file and can be defined under x- keys', () => {
  const plan = planned(`
pipeline: 1
name: p
x-steps: &prepare
  - { id: patch, uses: pathology.patch, with: { slide: "\${{ item.path }}" } }
stages:
  a: { foreach: { list: [a.svs] }, steps: *prepare }
  b: { foreach: { list: [b.svs] }, steps: *prepare }
`);
  assert.deepEqual(stage(plan, 'a').steps, stage(plan, 'b').steps);
});

test('Windows line ends and a byte order mark are accepted', () => {
  const text =
    'pipeline: 1\nname: p\nstages: { a: { uses: pathology.patch, with: { slide: "${{ params.x }}" } } }\n';
  const expected = ['3:66 unknown-name'];
  assert.deepEqual(codes(text), expected);
  assert.deepEqual(codes(`\uFEFF${text.replaceAll('\n', '\r\n')}`), expected);
});

test('the reader stays fast for large, deep or alias-heavy files', () => {
  const started = performance.now();
  assert.deepEqual(codes(`pipeline: 1 #${'x'.repeat(600_000)}`), ['1:1 file-too-large']);
  for (const opening of ['[', '{a: ', '- ', '? ']) {
    assert.deepEqual(
      codes(`pipeline: 1\nx:\n  ${opening.repeat(100_000)}`).map((code) => code.split(' ')[1]),
      ['too-deep'],
    );
  }
  const anchors = Array.from(
    { length: 30 },
    (_, i) => `x-${i}: &a${i} [[[[${i === 0 ? '' : `*a${i - 1}`}]]]]`,
  );
  assert.ok(codes(anchors.join('\n')).some((code) => code.endsWith('too-deep')));
  const aliases = `x-a: &a [1]\nx-b: [${'*a, '.repeat(20_000)}]\npipeline: 1\nname: p\nstages: {}\n`;
  assert.ok(codes(aliases).some((code) => code.endsWith('alias-bomb')));
  const chain = Array.from(
    { length: 300 },
    (_, i) => `  s${i}: { needs: [s${(i + 1) % 300}], uses: pipeline.copy }`,
  );
  assert.ok(
    codes(`pipeline: 1\nname: p\nstages:\n${chain.join('\n')}\n`).some((code) => code.endsWith('cycle')),
  );
  const many = Array.from(
    { length: 400 },
    (_, i) => `  s${i}: { uses: pathology.patch, with: { slide: a, patch_size: 1 } }`,
  );
  assert.equal(codes(`pipeline: 1\nname: p\nstages:\n${many.join('\n')}\n`).length, 400);
  assert.ok(performance.now() - started < 10_000, 'took more than 10 s');
});

test('files are checked on request, relative to the pipeline file', () => {
  const text = `
pipeline: 1
name: p
params: { data: { type: path, default: data } }
stages:
  a:
    foreach: { csv: "\${{ params.data }}/slides.csv" }
    uses: pathology.patch
    with: { slide: "\${{ item.path }}", preset: bwh_biopsy }
  b: { foreach: { dir: folder }, uses: pathology.patch, with: { slide: "\${{ item.path }}", preset: mine.csv } }
  c: { uses: pipeline.copy, with: { files: [here.txt, "\${{ params.data }}/gone.txt"], to: anywhere } }
`;
  const asked: string[] = [];
  const exists = (path: string) => asked.push(path) > 0 && path === '/pipelines/here.txt';
  assert.deepEqual(codes(text, { exists }), [
    '7:21 missing-file',
    '10:24 missing-file',
    '10:100 missing-file',
    '11:55 missing-file',
  ]);
  const hints = load(text, { exists }).problems.map(({ hint }) => hint);
  assert.deepEqual(
    hints.map((hint) => hint?.includes('--set data=…') ?? false),
    [true, false, false, false],
  );
  const elsewhere = load(text, { exists, set: [['data', '/data']] }).problems[0];
  assert.deepEqual(
    [elsewhere.message, elsewhere.hint],
    ['the file or folder /data/slides.csv does not exist', 'set your own path with --set data=…'],
  );
  assert.deepEqual(asked.slice(0, 5), [
    '/pipelines/data/slides.csv',
    '/pipelines/folder',
    '/pipelines/mine.csv',
    '/pipelines/here.txt',
    '/pipelines/data/gone.txt',
  ]);
  assert.deepEqual(codes(text), []);
});

test('a params file that cannot be read is reported first, and no param counts as missing', () => {
  const overlay = { text: 'needed: x\n whole: 2\n', file: 'over.yaml', folder: '/over' };
  assert.deepEqual(codes(PARAMS, { overlay }), ['over.yaml2:2 yaml-syntax']);
});
