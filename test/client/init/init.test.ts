import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parse } from 'yaml';
import { PROGRAM, runCli } from '../../support/cli.js';

const LITE = ['--encoder', 'efficientnet-lite0'];

/** A folder with slides in `scans` and their labels; nothing reads the slides before a run. */
function studyFolder(context: TestContext, names: readonly string[], labels: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'sam-mil-init-'));
  context.after(() => rmSync(folder, { recursive: true }));
  for (const name of names) {
    const file = join(folder, 'scans', name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, '');
  }
  writeFileSync(join(folder, 'labels.csv'), `${labels.join('\n')}\n`);
  return folder;
}

const SIX = ['a1.svs', 'a2.svs', 'a3.svs', 'b1.svs', 'b2.svs', 'b3.svs'];
const SIX_LABELS = [
  'slide_id,label',
  'a1,normal',
  'a2,normal',
  'a3,normal',
  'b1,tumor',
  'b2,tumor',
  'b3,tumor',
];

interface Written {
  name: string;
  params: Record<string, { default: unknown }>;
  stages: { split: { with: Record<string, unknown> }; preprocess: { foreach: Record<string, string> } };
}

function read(folder: string, file = 'study.yaml'): Written {
  return parse(readFileSync(join(folder, file), 'utf8')) as Written;
}

test('init --yes finds slides and labels, and what it writes is valid and can be planned', async (context) => {
  const folder = studyFolder(context, SIX, SIX_LABELS);
  const written = await runCli(folder, 'init', '--yes', ...LITE);
  assert.equal(written.stderr, '');
  assert.match(written.stdout, /6 slides: 6 \.svs/);
  assert.match(written.stdout, /2 classes: normal 3, tumor 3; "tumor" is the positive class/);
  const { params } = read(folder);
  assert.deepEqual(
    [params.slides, params.pattern, params.labels, params.folds].map((param) => param.default),
    ['scans', '*.svs', 'labels.csv', 3],
  );
  assert.deepEqual(await runCli(folder, 'validate', 'study.yaml'), {
    code: 0,
    stdout: 'study.yaml: valid, 5 stages, no problems\n',
    stderr: '',
  });
  const plan = await runCli(folder, 'plan', 'study.yaml');
  assert.equal(plan.code, 0);
  assert.match(plan.stdout, /preprocess +6 items to do/);
  const schema = /^# yaml-language-server: \$schema=(.*)/.exec(
    readFileSync(join(folder, 'study.yaml'), 'utf8'),
  )?.[1];
  assert.ok(schema !== undefined && existsSync(new URL(schema, `file://${folder}/study.yaml`)), schema);
});

test('init replaces no file', async (context) => {
  const folder = studyFolder(context, SIX, SIX_LABELS);
  writeFileSync(join(folder, 'mine.yaml'), 'kept');
  const refused = await runCli(folder, 'init', '--yes', ...LITE, '--out', 'mine.yaml');
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /mine\.yaml: the file exists.*\n.*--out FILE/);
  assert.equal(readFileSync(join(folder, 'mine.yaml'), 'utf8'), 'kept');
});

test('init without a terminal names the options that answer its questions', async (context) => {
  const folder = studyFolder(context, SIX, SIX_LABELS);
  const { code, stderr } = await runCli(folder, 'init', '--slides', 'scans');
  assert.equal(code, 2);
  assert.match(stderr, /--slides FOLDER --labels FILE --encoder NAME \[--out FILE\]/);
  assert.match(stderr, /--yes/);
});

test('init includes subfolders, several extensions in any case, and paths with special characters', async (context) => {
  const names = SIX.map((name, i) => (i === 0 ? 'a1.SVS' : i === 5 ? 'more/b3.tif' : name));
  const folder = studyFolder(context, names, SIX_LABELS);
  const out = "it's [1] #2.yaml";
  assert.equal((await runCli(folder, 'init', '--yes', ...LITE, '--out', out)).stderr, '');
  assert.equal(read(folder, out).params.pattern.default, '**/*.{SVS,svs,tif}');
  assert.equal(read(folder, out).name, 'it-s-1-2');
  const plan = await runCli(folder, 'plan', out);
  assert.match(plan.stdout, /preprocess +6 items to do/);
});

test('init matches labels of patients with the names of their slides, and leaves out what has no label', async (context) => {
  const names = ['P-01-x.svs', 'P-01-y.svs', 'P-02-x.svs', 'P-03-x.svs', 'P-04-x.svs', 'P-05-x.svs'];
  const labels = ['case_id,label', 'P-01,luad', 'P-02,luad', 'P-03,lusc', 'P-04,lusc'];
  const folder = studyFolder(context, names, labels);
  const written = await runCli(folder, 'init', '--yes', ...LITE);
  assert.match(written.stdout, /luad 3, lusc 2; 4 patients/);
  assert.match(written.stdout, /left out: P-05-x \(no label\)/);
  const { split } = read(folder).stages;
  assert.equal(split.with.match, 'contains');
  assert.equal(split.with.unmatched, 'drop');
  assert.equal(read(folder).params.folds.default, 2);
});

test('init takes a table of slides, columns and classes by name', async (context) => {
  const rows = SIX.map((name, i) => `${name.slice(0, 2)},scans/${name},${i < 3 ? 'cancer' : 'benign'}`);
  const folder = studyFolder(context, SIX, ['slide_id,path,finding', ...rows]);
  const table = ['--slides', 'labels.csv', '--labels', 'labels.csv', ...LITE];
  const unknown = await runCli(folder, 'init', ...table, '--key-column', 'slide_id');
  assert.match(unknown.stderr, /label-column/);
  const column = ['--label-column', 'finding', '--classes', 'benign,cancer'];
  assert.equal((await runCli(folder, 'init', ...table, ...column)).stderr, '');
  const { split, preprocess } = read(folder).stages;
  assert.equal(preprocess.foreach.csv, '${{ params.slides }}');
  assert.deepEqual([split.with['label-column'], split.with.classes], ['finding', ['benign', 'cancer']]);
  assert.match((await runCli(folder, 'plan', 'study.yaml')).stdout, /preprocess +6 items to do/);
});

test('init refuses slides that share a name, and a class too small to be divided', async (context) => {
  const twice = studyFolder(context, [...SIX, 'old/a1.svs'], SIX_LABELS);
  assert.match((await runCli(twice, 'init', '--yes', ...LITE)).stderr, /two slides have the name "a1"/);
  const small = studyFolder(context, SIX.slice(0, 4), SIX_LABELS);
  assert.match((await runCli(small, 'init', '--yes', ...LITE)).stderr, /class "tumor" is too small/);
});

test('init says that tables of follow-up and of numbers are for pipelines of other endpoints', async (context) => {
  const refusal = async (labels: readonly string[]) => {
    const folder = studyFolder(context, SIX, labels);
    const { stderr } = await runCli(folder, 'init', '--yes', ...LITE);
    assert.match(stderr, /init writes pipelines of classes \(survival and regression: docs\/endpoints\.md\)/);
    return stderr;
  };
  const followed = SIX.map((name, i) => `${name.slice(0, 2)},${i + 0.5},${i % 2}`);
  assert.match(await refusal(['slide_id,os_months,os_event', ...followed]), /no label column/);
  const measured = SIX.map((name, i) => `${name.slice(0, 2)},${i / 7}`);
  assert.match(await refusal(['slide_id,label', ...measured]), /the labels are numbers, not classes/);
});

test('init asks on a terminal, asks again after an answer it cannot use, and proposes what is there', async (context) => {
  const folder = studyFolder(context, SIX, SIX_LABELS);
  const answers: [prompt: RegExp, answer: string][] = [
    [/Folder of the slides.* \[scans\]: $/, 'nowhere'],
    [/nowhere: .* does not exist[^]*\[scans\]: $/, ''],
    [/CSV file with the labels \[labels\.csv\]: $/, ''],
    [/Encoder \[resnet50\]: $/, 'efficientnet-lite0'],
    [/Pipeline file to write \[study\.yaml\]: $/, 'own'],
  ];
  const spawned = 'import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)';
  const child = spawn('python3', ['-c', spawned, process.execPath, PROGRAM, 'init'], { cwd: folder });
  context.after(() => child.kill());
  let screen = '';
  child.stdout.on('data', (chunk: Buffer) => {
    // Without the codes with which readline moves the cursor.
    screen += chunk.toString().replace(/\u001b\[[0-9;]*[A-Za-z]/g, '');
    if (answers.length === 0 || !answers[0][0].test(screen)) return;
    screen = '';
    child.stdin.write(`${answers.shift()?.[1]}\n`);
  });
  const code = await new Promise((done) => child.on('close', done));
  assert.deepEqual([code, answers], [0, []], screen);
  assert.equal(read(folder, 'own.yaml').params.encoder.default, 'efficientnet-lite0');
});
