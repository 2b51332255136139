import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { CommandLine } from '../../support/command-line.js';
import { scratchFolder } from '../../support/scratch-folder.js';

const folder = scratchFolder();
const commands = new CommandLine(folder);
after(() => commands.stop());
const SLIDES = 400;
const keys = Array.from({ length: SLIDES }, (_, i) => `s${String(i).padStart(3, '0')}`);

/** A study of slides from a table: patches, features, splits and trainings. */
const STUDY = `
pipeline: 1
name: study
params:
  table: { type: path, default: slides.csv }
  labels: { type: path, default: slides.csv }
  folds: { type: integer, default: 5 }
  models: { type: list, items: string, default: [abmil] }
  option: { type: number, default: null }
  column: { type: string, default: features }
stages:
  bags:
    foreach: { csv: '\${{ params.table }}', as: slide, key: slide_id }
    uses: pathology.convert
    with: { features: '\${{ slide[params.column] }}', patch-size-level0: '\${{ number(slide.side) }}' }
  split:
    uses: mil.split
    needs: bags
    with: { bags: '\${{ needs.bags.items }}', labels: '\${{ params.labels }}', folds: '\${{ params.folds }}', unmatched: drop }
  train:
    uses: mil.train-fold
    needs: [bags, split]
    matrix: { model: '\${{ params.models }}', fold: '\${{ range(2) }}' }
    with:
      bags: '\${{ needs.bags.items }}'
      splits: '\${{ needs.split.outputs.splits }}'
      model: '\${{ matrix.model }}'
      repeat: 0
      fold: '\${{ matrix.fold }}'
      mask-ratio: '\${{ params.option }}'
`;

const header = 'slide_id,features,side,label,PatientID';
const row = (key: string, i: number) => `${key},bags/${key}.h5,512,${i % 2 ? 'tumor' : 'normal'},P${i >> 2}`;
const rows = keys.map(row);

before(() => {
  mkdirSync(join(folder, 'bags'));
  for (const key of keys) writeFileSync(join(folder, 'bags', `${key}.h5`), '');
  writeFileSync(join(folder, 'study.yaml'), STUDY);
  writeFileSync(join(folder, 'slides.csv'), [header, ...rows].join('\n'));
});

/** Writes a table and returns the option that selects it. */
function table(param: string, ...lines: string[]): string[] {
  writeFileSync(join(folder, `${param}-case.csv`), lines.join('\n'));
  return ['--set', `${param}=${join(folder, `${param}-case.csv`)}`];
}

test('plan says what was understood of the inputs, and what cannot be known yet', async () => {
  const { code, stdout, stderr } = await commands.run('plan', 'study.yaml');
  assert.equal(code, 0, stderr);
  assert.match(
    stdout,
    /split: 400 slides, 2 classes: normal 200, tumor 200 \(positive\); 100 patients by column PatientID/,
  );
  const json = await commands.run('plan', 'study.yaml', '--json');
  const inputs = JSON.parse(json.stdout.split('\n')[1]) as { inputs: { found: { stage: string }[] } };
  assert.deepEqual(
    inputs.inputs.found.map(({ stage }) => stage),
    ['split'],
  );
});

test('the labels of an earlier stage are said to be unknown, not guessed', async () => {
  const text = STUDY.replace("labels: '${{ params.labels }}'", "labels: '${{ needs.made.outputs.labels }}'")
    .replace('needs: bags', 'needs: [bags, made]')
    .replace('stages:', 'stages:\n  made: { uses: mil.import, with: { table: slides.csv } }')
    .replace(/ {2}labels: \{.*\n/, '');
  writeFileSync(join(folder, 'later.yaml'), text);
  const { code, stdout, stderr } = await commands.run('plan', 'later.yaml');
  assert.equal(code, 0, stderr);
  assert.match(stdout, /not checked yet: split: `labels` of mil\.split, which an earlier stage makes/);
  assert.doesNotMatch(stdout, /classes:/);
});

test('labels that only replace those of an earlier stage are checked where the file is given', async () => {
  const text = STUDY.replace(
    "labels: '${{ params.labels }}'",
    "labels: '${{ default(params.labels, needs.made.outputs.labels) }}'",
  )
    .replace('needs: bags', 'needs: [bags, made]')
    .replace('default: slides.csv }\n  folds', 'default: null }\n  folds')
    .replace('stages:', 'stages:\n  made: { uses: mil.import, with: { table: slides.csv } }');
  writeFileSync(join(folder, 'either.yaml'), text);
  const later = await commands.run('plan', 'either.yaml');
  assert.match(later.stdout, /not checked yet: split: `labels` of mil\.split/, later.stderr);
  const given = await commands.run('plan', 'either.yaml', '--set', 'labels=slides.csv');
  assert.match(given.stdout, /split: 400 slides, 2 classes: normal 200, tumor 200/, given.stderr);
  const wrong = table('labels', header, ...rows.map((line) => line.replace('normal', 'tumor')));
  const refused = await commands.run('plan', 'either.yaml', ...wrong);
  assert.match(refused.stderr, /stage `split`: the labels have only one class/);
});

const CASES: [name: string, options: () => string[], message: RegExp][] = [
  [
    'a class in two spellings, on 400 slides',
    () =>
      table('labels', header, ...rows.map((line, i) => (i === 77 ? line.replace('tumor', 'Tumor') : line))),
    /stage `split`: class "tumor" is also spelled "Tumor"/,
  ],
  [
    'a patient without a name',
    () => table('labels', header, ...rows.map((line, i) => (i === 9 ? line.replace(/P\d+$/, '') : line))),
    /labels-case\.csv:11: stage `split`: 1 row has no patient in column "PatientID"/,
  ],
  [
    'labels of other slides',
    () => table('labels', header, ...rows.map((line) => `x${line}`)),
    /stage `split`: class "normal" has no slides/,
  ],
  [
    'a class that is too small for the folds',
    () => ['--set', 'folds=120'],
    /stage `split`: class "\w+" is too small for 120 folds/,
  ],
  [
    'a column that the table does not have',
    () => ['--set', 'column=featurs'],
    /stage `bags` \(s000, s001, s002 and 397 more items\): `slide` has no field `featurs`[\s\S]*`features`/,
  ],
  [
    'a value in one row that the activity does not accept',
    () => table('table', header, ...rows.map((line, i) => (i === 5 ? line.replace(',512,', ',-1,') : line))),
    /stage `bags` \(s005\): `patch-size-level0` of pathology\.convert must be at least 1/,
  ],
  [
    'a file that only one row names',
    () =>
      table('table', header, ...rows.map((line, i) => (i === 399 ? line.replace('bags/', 'gone/') : line))),
    /stage `bags`: 1 of 400 files are missing[\s\S]*table-case\.csv:401: .*gone\/s399\.h5/,
  ],
  [
    'an option that one of the models does not take',
    () => ['--set', 'models=sam-mil,abmil', '--set', 'option=0.5'],
    /stage `train` \(abmil-0, abmil-1\): `mask-ratio` has no effect on model abmil/,
  ],
];

for (const [name, options, message] of CASES) {
  test(`run refuses before any work: ${name}`, async () => {
    const work = join(folder, `work ${name}`);
    const { code, stderr, stdout } = await commands.run('run', 'study.yaml', '--work', work, ...options());
    assert.match(stderr, message);
    assert.equal(code, 2, stdout);
    assert.ok(!existsSync(work), 'nothing was written');
    assert.equal(stdout, '');
  });
}

test('plan refuses the same faults, and a key that no row has before a run starts', async () => {
  const labels = table('labels', header, ...rows.map((line) => line.replace('normal', 'tumor')));
  const wrong = await commands.run('plan', 'study.yaml', ...labels);
  assert.match(wrong.stderr, /stage `split`: the labels have only one class/);
  assert.equal(wrong.code, 2);
  writeFileSync(join(folder, 'key.yaml'), STUDY.replace('key: slide_id', 'key: Slide ID'));
  const keyed = await commands.run('run', 'key.yaml', '--work', 'keyed');
  assert.match(
    keyed.stderr,
    /stage `bags`: .*slides\.csv:2: the item has no field `Slide ID`[\s\S]*slide_id, features[\s\S]*`key: slide_id`/,
  );
  assert.ok(!existsSync(join(folder, 'keyed')));
});

test('several faults are listed together', async () => {
  const { stderr } = await commands.run('plan', 'study.yaml', '--set', 'column=none', '--set', 'folds=120');
  assert.match(
    stderr,
    /2 faults in the inputs, found before any work[\s\S]*stage `bags`[\s\S]*stage `split`/,
  );
});

test('excluded slides count neither as slides nor for the size of a class', async () => {
  const text = STUDY.replace('key: slide_id }', "key: slide_id, exclude: '${{ params.exclude }}' }").replace(
    'params:',
    'params:\n  exclude: { type: path }',
  );
  writeFileSync(join(folder, 'excluding.yaml'), text);
  const excluded = (count: number) =>
    table('exclude', 'item,reason', ...keys.slice(0, count).map((key) => `${key},out of focus`));
  const some = await commands.run('plan', 'excluding.yaml', ...excluded(100));
  assert.match(some.stdout, /split: 300 slides, 2 classes: normal 150, tumor 150 \(positive\); 75 patients/);
  assert.match(some.stdout, /100 slides or labels are omitted: s000 \(excluded: out of focus\)/);
  const most = await commands.run('plan', 'excluding.yaml', ...excluded(388));
  assert.match(most.stderr, /stage `split`: class "normal" is too small for 5 folds/);
  assert.equal(most.code, 2);
});

test('two stages that find the same in the same labels say it once', async () => {
  const split = STUDY.slice(STUDY.indexOf('  split:'), STUDY.indexOf('  train:'));
  writeFileSync(
    join(folder, 'twice.yaml'),
    `${STUDY}${split.replace('split:', 'split-again:').replace('unmatched', 'val-ratio: 0.2, unmatched')}`,
  );
  const { stdout } = await commands.run('plan', 'twice.yaml');
  assert.equal(stdout.match(/400 slides, 2 classes/g)?.length, 1);
  assert.match(stdout, /split, split-again: 400 slides/);
  const wrong = await commands.run('plan', 'twice.yaml', '--set', 'folds=120');
  assert.match(wrong.stderr, /^sam-mil: .*stages `split`, `split-again`: class "\w+" is too small/);
  assert.equal(wrong.stderr.match(/is too small/g)?.length, 1);
});
