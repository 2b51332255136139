import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadRegistry } from '../../../activities/plugins/load-plugins.js';
import { loadPipeline } from '../../../domain/engine/language/load-pipeline.js';
import type { Problem } from '../../../domain/engine/language/problems/problems.js';

const registry = await loadRegistry();
const catalog = Object.fromEntries(registry.names.map((name) => [name, registry.require(name)]));

const FILES = ['measure.py', 'slides.csv'];

function load(text: string) {
  const exists = (path: string) => FILES.some((name) => path === `/lab/${name}`);
  return loadPipeline(text, { file: '/lab/study.yaml', cwd: '/home', catalog, exists });
}

/** A pipeline whose stage `measure` runs a command for each slide; `after` follows its parameters. */
function study(given: string, after = ''): string {
  return `pipeline: 1
name: study
stages:
  measure:
    foreach: { csv: slides.csv, as: slide, key: slide_id }
    uses: pipeline.command
    with:
${given.replace(/^/gm, '      ')}
${after}`;
}

const GOOD = `command: [python3, '{script}', '{inputs.slide}', '{outputs.table}', '{params.level}', 5]
script: measure.py
inputs: { slide: '\${{ slide.path }}' }
outputs: { table: 'tables/\${{ slide.slide_id }}.csv', log-file: log.txt }
params: { level: 0.5 }
env: { THREADS: 2 }`;

const described = (problems: readonly Problem[]) =>
  problems.map(({ severity, code, message, hint }) => `${severity} ${code}: ${message} (${hint ?? ''})`);

test('the outputs that a command declares are known to the stages after it, and fit every file input', () => {
  const next = `  one:
    needs: measure
    foreach: { from: measure, as: slide }
    uses: pipeline.copy
    with: { files: ['\${{ needs.measure.outputs.table }}', '\${{ needs.measure.outputs.log-file }}'], to: out }
  collect:
    needs: measure
    uses: pipeline.command
    with:
      command: [cp, '{items.all}', out.csv]
      items: { all: '\${{ needs.measure.items }}' }
      outputs: { table: out.csv }
  rows:
    needs: collect
    foreach: { csv: '\${{ needs.collect.outputs.table }}', as: row, key: slide_id }
    uses: pathology.patch
    with: { slide: '\${{ row.path }}' }
  split:
    needs: [measure, collect]
    uses: mil.split
    with: { bags: '\${{ needs.measure.items }}', labels: '\${{ needs.collect.outputs.table }}' }
`;
  const { problems, plan } = load(study(GOOD, next));
  assert.deepEqual(described(problems), []);
  assert.ok(plan);
});

test('an output that a command does not declare, or has with a typing mistake, is found before the run', () => {
  const next = `  one:
    needs: measure
    foreach: { from: measure, as: slide }
    uses: pipeline.copy
    with: { files: ['\${{ needs.measure.outputs.tabel }}'], to: '\${{ needs.measure.outputs.table.paht }}' }
`;
  const { problems } = load(study(GOOD, next));
  assert.deepEqual(described(problems), [
    'error unknown-name: stage `measure` has no output `tabel` (did you mean `table`?)',
    'error unknown-name: `table` has no field `paht` (did you mean `path`?)',
  ]);
});

const MISTAKES: [string, string, RegExp][] = [
  ['text without a shell', 'command: python3 measure.py', /is text, which only a shell can run.*shell: bash/],
  ['a list for a shell', 'command: [ls]\nshell: bash', /is a list, which is not run in a shell/],
  ['a relative program', 'command: [bin/count]', /begins with bin\/count, a relative path/],
  ['no program', "command: ['']", /begins with an empty text/],
  [
    'an undeclared placeholder',
    "command: [cat, '{inputs.tabel}']",
    /has \{inputs\.tabel\}.*declare `tabel` under `inputs`/,
  ],
  ['a script that is not declared', "command: [python3, '{script}']", /declare `script`/],
  [
    'the form of Snakemake',
    "command: [cat, '{input.table}']",
    /\{input\.table\}, which is not a placeholder.*\{inputs\.table\}/,
  ],
  ['a file beside the pipeline', 'command: [python3, measure.py]', /does not declare.*script: measure\.py/],
  ['an output outside', 'command: [ls]\noutputs: { a: ../a }', /it leaves the working folder/],
  ['one file for two outputs', 'command: [ls]\noutputs: { a: x, b: x }', /`a` and `b`, which are one file/],
  ['a file inside a file', 'command: [ls]\noutputs: { a: x, b: x/y }', /or one inside the other/],
  ['an output name with a space', 'command: [ls]\noutputs: { "a b": x }', /cannot be used in placeholders/],
  ['a variable with a hyphen', 'command: [ls]\nenv: { A-B: x }', /not a variable name/],
  ['stdout without output', 'command: [ls]\nstdout: list', /not an output of this step.*list\.txt/],
  ['a placeholder in env', "command: [ls]\nenv: { OUT: '{outputs.x}' }", /`env` has \{outputs\.x\}/],
  ['a missing script', "command: ['{script}']\nscript: no.py", /\/lab\/no\.py does not exist/],
  ['a missing input', 'command: [ls]\ninputs: { a: no.csv }', /\/lab\/no\.csv does not exist/],
  ['a number as input', 'command: [ls]\ninputs: { a: 5 }', /`inputs\.a` must be a path/],
  ['a mapping as variable', 'command: [ls]\nenv: { A: { b: 1 } }', /`env\.A` must be text/],
];

for (const [name, given, message] of MISTAKES) {
  test(`validate finds ${name}`, () => {
    const { problems, plan } = load(study(`${given}\nversion: '\${{ slide.path }}'`));
    assert.match(described(problems).join('\n'), message);
    assert.equal(problems.length, 1, described(problems).join('\n'));
    assert.equal(plan, undefined);
  });
}

test('what this machine does not have, and a path that is not an input, are warnings', () => {
  const cases: [string, RegExp][] = [
    ['command: [no-such-program-of-test]', /missing-resource: .*no-such-program-of-test, which is not on/],
    ['command: [ls]\npass-env: [NO_SUCH_OF_TEST]', /missing-resource: .*NO_SUCH_OF_TEST, which is not set/],
    ["command: [ls, '--in=\${{ slide.path }}']", /bad-value: .*does not run again when the file changes/],
  ];
  for (const [given, message] of cases) {
    const { problems, plan } = load(study(`${given}\nversion: '\${{ slide.path }}'`));
    assert.match(described(problems).join('\n'), message);
    assert.ok(problems.length === 1 && plan, described(problems).join('\n'));
  }
});

test('an expression inside a shell script is a warning, and what only the run can know is not reported', () => {
  const script = study(`command: 'cat "\${{ slide.path }}"'\nshell: bash`);
  const { problems, plan } = load(script);
  assert.match(described(problems).join('\n'), /^warning bad-value: .*without quoting it .*\{params\.NAME\}/);
  assert.ok(plan);
  const open = load(study(`command: ['\${{ slide.program }}', x]\noutputs: { a: '\${{ slide.a }}' }`));
  assert.deepEqual(described(open.problems), []);
});
