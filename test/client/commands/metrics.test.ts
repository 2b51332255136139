import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import pc from 'picocolors';
import { CommandLine } from '../../support/command-line.js';
import { mcnemarExact } from '../../../domain/statistics/mcnemar.js';
import { delongPair } from '../../../domain/statistics/delong.js';
import { finishReport, slideScores } from '../../support/kept-report.js';
import { compareRuns, type ShownRun } from '../../../client/display/compare-runs.js';
import { renderComparison } from '../../../client/display/render-comparison.js';
import { metricsTable } from '../../../client/display/metrics.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const spread = { repeats: { mean: 0.5, std: 0.125, n: 2 }, folds: { mean: 0.5, std: 0.25, n: 4 } };
const called = { auc: spread, f1: spread, accuracy: spread, recall: spread, specificity: spread };

function group(name: string, protocol: string, optimistic: boolean) {
  return {
    ...{ group: name, repeats: 2, folds: 4, slides: 24, protocol, optimistic },
    protocols: { [protocol]: called },
  };
}

async function linesOf(context: TestContext, groups: object[], columns?: number): Promise<string[]> {
  const path = join(temporaryFolder(context), 'metrics.json');
  writeFileSync(path, JSON.stringify({ protocol: 'honest', groups }));
  return metricsTable(path, pc.createColors(false), columns);
}

test('the table fits 80 columns and marks what is optimistic, even if only the epoch is', async (context) => {
  const honest = group('abmil', 'honest', false);
  const lines = await linesOf(context, [
    honest,
    group('sam-mil · pap', 'paper', false),
    group('b', 'honest', true),
  ]);
  assert.ok(
    lines.every((line) => line.length <= 80),
    lines.join('\n'),
  );
  assert.match(lines[1], /^abmil +0\.500±0\.125 /);
  assert.match(lines[2], /^sam-mil · pap \* /);
  assert.match(lines[3], /^b \* /);
  assert.deepEqual(lines.slice(4), [
    'mean ± standard deviation over the means of 2 repeats',
    '4 folds, 24 scored slides; threshold by protocol honest or paper',
    '* optimistic: the epoch or threshold was chosen on the scored slides',
  ]);
  assert.ok((await linesOf(context, [honest])).every((line) => !line.includes('optimistic')));
});

test('a note names the means that leave folds out', async (context) => {
  const some = group('abmil', 'honest', false);
  const gap = { ...spread, folds: { ...spread.folds, undefined: 1 } };
  some.protocols.honest = { ...called, recall: gap, f1: gap };
  const lines = await linesOf(context, [group('mean', 'honest', false), some]);
  assert.equal(lines.at(-1), 'F1, recall: without the folds that lack slides or calls of a class');
});

test('next to long names the last metrics are left out, and a note says so', async (context) => {
  const long = [group('sam-mil-without-consistency · honest', 'honest', false)];
  const lines = await linesOf(context, long, 80);
  assert.ok(lines.every((line) => line.length <= 80));
  assert.match(lines[0], /^ +AUC +F1 +accuracy$/);
  assert.equal(lines[4], 'not shown for lack of space: recall, specificity; see the report');
  assert.match((await linesOf(context, long))[0], /specificity$/);
});

async function twoRuns(context: TestContext) {
  const folder = temporaryFolder(context);
  const work = join(folder, 'work');
  const [before, after] = ['study-20260101-000000-aaa', 'study-20260102-000000-bbb'];
  await finishReport(work, before, { missed: 4, params: { lr: 0.1, epochs: 5 } });
  await finishReport(work, after, { missed: 2, params: { lr: 0.01, epochs: 5 } });
  const commands = new CommandLine(folder);
  context.after(() => commands.stop());
  const run = async (...args: string[]) => {
    const { code, text } = await commands.run(...args, '--work', work);
    assert.equal(code, 0, text);
    return text;
  };
  return { work, before, after, run, commands };
}

test('two runs in one work folder keep their own numbers, without a server', async (context) => {
  const { work, before, after, run, commands } = await twoRuns(context);
  assert.match(await run('metrics', before), /^abmil +0\.750±0\.000/m);
  assert.match(await run('metrics', after), /^abmil +0\.875±0\.000/m);
  assert.match(await run('metrics', '--csv'), /^group,AUC,AUC std,F1,.*\nabmil,0\.875,0,/);
  assert.match(
    await run('report', before),
    /Report .*\.runs\/study-20260101-000000-aaa\/results\/report\/report\.html/,
  );
  assert.match(await run('report', after), /^Report +\S*work\/report\/report\.html$/m);
  rmSync(join(work, '.runs', before, 'results'), { recursive: true });
  const gone = await commands.run('metrics', before, '--work', work);
  assert.equal(gone.code, 2);
  assert.match(gone.text, /run study-20260101-000000-aaa has no report/);
});

test('metrics diff shows the params that differ, changes, and a paired test on the same slides', async (context) => {
  const { work, before, after, run } = await twoRuns(context);
  const text = await run('metrics', 'diff', before, after);
  assert.match(text, /^lr +0\.1 +0\.01$/m);
  assert.doesNotMatch(text, /epochs/);
  assert.match(text, /^abmil +AUC +0\.750±0\.000 +0\.875±0\.000 +\+0\.125 +0\.\d{3}$/m);
  assert.match(text, /paired DeLong test of the AUC over the pooled scores of the same 8 slides/);
  const json = JSON.parse(await run('metrics', 'diff', before, after, '--json')) as {
    params: object;
    groups: { tests: { slides: number; auc_before: number; auc_after: number; p_two_sided: number }[] }[];
  };
  assert.deepEqual(json.params, { lr: { before: 0.1, after: 0.01 } });
  const [test] = json.groups[0].tests;
  assert.deepEqual([test.slides, test.auc_before, test.auc_after], [8, 0.75, 0.875]);
  const [a, b] = [4, 2].map((missed) => slideScores(missed));
  const { pTwoSided } = delongPair(
    a.map(({ probabilities }) => probabilities[1]),
    b.map(({ probabilities }) => probabilities[1]),
    a.map(({ label }) => label),
  );
  assert.equal(test.p_two_sided, pTwoSided);
  assert.match(await run('metrics', 'diff', before, after, '--md'), /^\| abmil \| AUC \| 0\.750±0\.000 \|/m);
  assert.match(await run('metrics', 'diff', before, after, '--csv'), /^abmil,AUC,0\.75,0,0\.875,0,/m);

  // The evaluations of the first run are its own: an edit of a copy is not compared.
  writeFileSync(join(work, '.runs', before, 'results/evaluate/predictions/abmil-0-0.csv'), 'edited');
  assert.match(await run('metrics', 'diff', before, after), /no test of abmil: what run \S+ showed is gone/);
});

test('metrics diff of three classes shows an exact McNemar test of the calls', async (context) => {
  const folder = temporaryFolder(context);
  const work = join(folder, 'work');
  const classes = ['lung', 'skin', 'thyroid'];
  // The first `wrong` of 24 slides are called the next class.
  const scored = (wrong: number) =>
    Array.from({ length: 24 }, (_, i) => {
      const called = i < wrong ? (i + 1) % 3 : i % 3;
      const probabilities = classes.map((_, k) => (k === called ? 0.8 : 0.1));
      return { key: `s${i}`, label: i % 3, probabilities };
    });
  const [before, after] = ['study-20260101-000000-aaa', 'study-20260102-000000-bbb'];
  await finishReport(work, before, { missed: 0, several: { classes, scored: scored(9) } });
  await finishReport(work, after, { missed: 0, several: { classes, scored: scored(3) } });
  const commands = new CommandLine(folder);
  context.after(() => commands.stop());
  const diff = (...more: string[]) => commands.run('metrics', 'diff', before, after, '--work', work, ...more);
  const { text } = await diff();
  // Six slides are correct in the second run only: p = 2 / 2^6.
  assert.match(text, /^ +accuracy .* 0\.031$/m);
  assert.match(
    text,
    /exact McNemar test of the calls of the same 24 slides; correct only before: 0, only after: 6/,
  );
  assert.doesNotMatch(text, /DeLong|specificity/);
  // 15 and 21 of 24 are right, with eight of each class called: kappa = (accuracy - 1/3) / (1 - 1/3).
  assert.match(text, /^ +kappa +0\.43[78]±0\.000 +0\.81[23]±0\.000 +\+0\.375/m);
  const shown = await commands.run('metrics', before, '--work', work);
  assert.match(shown.text, /AUC +F1 +accuracy +recall +kappa *$/m);
  assert.match(
    shown.text,
    /the most probable is called; AUC \(one-versus-rest\),\nF1 and recall are macro means/,
  );
  assert.doesNotMatch(shown.text, /threshold by protocol|specificity/);
  const listed = await commands.run('runs', '--work', work, '--sort', 'kappa', '--csv');
  assert.match(listed.text, /,AUC,AUC std,.*,kappa,kappa std\n\S+bbb,[^\n]*,0\.8125,0\n\S+aaa,/);
  const { groups } = JSON.parse((await diff('--json')).text) as { groups: { mcnemar: object }[] };
  assert.deepEqual(groups[0].mcnemar, {
    ...{ repeats: [0], slides: 24, correct_only_before: 0, correct_only_after: 6 },
    p_two_sided: mcnemarExact(0, 6),
  });
});

test('metrics diff shows the groups that both runs have, and names the others in one line', async () => {
  const run = (name: string, groups: object[]) =>
    ({
      ...{ entry: { run: name }, summary: { protocol: 'honest', groups } },
      plan: { params: {}, source: { digest: name } },
    }) as unknown as ShownRun;
  const [a, b] = [
    run('a', [group('abmil', 'honest', false), group('mean', 'honest', false)]),
    run('b', [
      group('abmil', 'honest', false),
      group('dsmil', 'honest', false),
      group('max', 'honest', false),
    ]),
  ];
  const compared = await compareRuns(a, b);
  const lines = renderComparison(a, b, compared, {}, pc.createColors(false));
  assert.ok(lines.includes('not shown; only before: mean; only after: dsmil, max'), lines.join('\n'));
  assert.ok(lines.every((line) => !/^(mean|dsmil|max)/.test(line)));
  const none = await compareRuns(run('a', [group('x', 'honest', false), group('y', 'honest', false)]), b);
  assert.deepEqual(none.groups, []);
  assert.match(
    renderComparison(a, b, none, {}, pc.createColors(false)).join('\n'),
    /the runs have no group in common; only before: x, y; only after: abmil, dsmil, max/,
  );
});

test('runs lists the params in which runs differ and their metrics, sorted by either', async (context) => {
  const { before, after, run, commands } = await twoRuns(context);
  const text = await run('runs', '--sort', 'auc');
  const [head, first, second] = text.split('\n');
  assert.match(head, /^run +state +lr +group +AUC +F1 /);
  assert.match(first, new RegExp(`^${after} +\\S+ +0\\.01 +abmil +0\\.875±0\\.000 `));
  assert.match(second, new RegExp(`^${before} +replaced +0\\.1 +abmil +0\\.750±0\\.000 `));
  assert.match(await run('runs', '--sort', 'lr'), new RegExp(`${after}.*\\n${before}`));
  assert.match(
    await run('runs', 'study', '--csv'),
    /^run,state,lr,group,AUC,AUC std,.*\n\S+bbb,\w+,0\.01,abmil,0\.875,0,/,
  );
  assert.match(await run('runs', '--md'), /^\| run \| state \| lr \| group \| AUC /);
  assert.equal(await run('runs', 'other'), 'no runs of a pipeline named "other"; there are runs of study\n');
  const unknown = await commands.run('runs', '--work', 'work', '--sort', 'lrr');
  assert.equal(unknown.code, 2);
  assert.match(unknown.text, /no column "lrr" to sort by.*did you mean `lr`/s);
});
