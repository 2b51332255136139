import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { readFeatures } from '../../domain/pathology/layouts/bag-files.js';
import { formatCsv, readCsv } from '../../domain/files/csv.js';
import { readSplits, type Splits } from '../../domain/mil/split/splits.js';
import { run as assembleCohort } from '../../domain/pathology/assemble-cohort/assemble-cohort.js';
import { readEvents } from '../../domain/engine/store/run-events.js';
import { makeJob, temporaryFolder } from '../domain/mil/support.js';
import { bundled } from '../support/bundled.js';
import { TestEngine } from '../support/engine.js';
import { planShipped, runShipped } from './run-shipped.js';

/**
 * Runs the bundled pipelines of the paper's tables and figures on eight small slides: real steps, a real
 * server, one work folder.
 */

const cleanups: (() => void)[] = [];
let engine: TestEngine;
let work: string;
let small: Record<string, string>;

before(async () => {
  const owner = { after: (cleanup: () => void) => void cleanups.push(cleanup) };
  const patches = { path: bundled('cohort'), digest: '', name: 'cohort' };
  const job = makeJob(owner, { patches, slides: 8, seed: 2021, grid: 4 });
  const { files } = await assembleCohort(job);
  work = temporaryFolder(owner);
  engine = await TestEngine.start({ plugins: [], concurrency: { cpu: 2, gpu: 2 } });
  small = {
    ...{ slides: files.table.from, labels: files.table.from, work },
    ...{ scheme: 'stratified', match: 'exact', 'group-column': 'patient', preset: 'bwh_biopsy' },
    ...{ 'patch-size': '256', segmenter: 'watershed', encoder: 'efficientnet-lite0' },
    ...{ repeats: '1', folds: '2', epochs: '1', 'val-ratio': '0.3' },
  };
});
after(async () => {
  await engine?.stop();
  cleanups.forEach((cleanup) => cleanup());
});

/** Returns the steps of a stage that did work in a run. */
async function doneIn(run: string, stage: string): Promise<number> {
  return (await readEvents(work, run)).filter((event) => event.stage === stage && event.event === 'done')
    .length;
}

test('camelyon16: two models, two protocols side by side, mean and std over repeats and over folds', async () => {
  const set = { ...small, models: 'abmil,sam-mil', repeats: '2' };
  const plan = await planShipped('camelyon16', set);
  assert.equal(plan.work, work);
  const { groups, comparisons, folds } = await runShipped(engine, plan, 'report');
  assert.equal(folds.length, 16);
  assert.deepEqual(
    groups.map(({ group, protocol, optimistic }) => [group, protocol, optimistic]),
    [
      ['abmil · honest', 'honest', false],
      ['abmil · paper', 'paper', true],
      ['sam-mil · honest', 'honest', false],
      ['sam-mil · paper', 'paper', true],
    ],
  );
  for (const { protocols, protocol } of groups) {
    const { auc, f1 } = protocols[protocol];
    assert.deepEqual([auc.repeats?.n, auc.folds?.n, f1.repeats?.n], [2, 4, 2]);
  }
  // Models within a protocol, one test over both repeats.
  assert.deepEqual(
    comparisons.map(({ a, b, repeats }) => `${a} - ${b} ${repeats.join()}`),
    ['honest', 'paper'].map((kind) => `abmil · ${kind} - sam-mil · ${kind} 0,1`),
  );
  const splitsOf = (stage: string) =>
    JSON.parse(readFileSync(join(work, stage, 'splits.json'), 'utf8')) as Splits;
  const [honest, paper] = [splitsOf('split'), splitsOf('split-paper')];
  for (const [r, { folds: own }] of honest.repeats.entries()) {
    for (const [f, { test: tested, val, train }] of own.entries()) {
      const twin = paper.repeats[r].folds[f];
      assert.deepEqual([...tested].sort(), [...twin.test].sort(), 'the same slides are scored');
      assert.ok(val.length > 0 && twin.val.length === 0);
      const patients = (keys: readonly string[]) => keys.map((key) => honest.groups![key]);
      const tests = new Set(patients(tested));
      assert.ok(!patients([...train, ...val]).some((patient) => tests.has(patient)), 'patients stay whole');
    }
  }
  assert.equal(await doneIn('camelyon16', 'preprocess'), 8 * 3);
});

test('table1: AB-MIL, SAM-MIL without and with consistency, two baselines; the preprocessing is already done', async () => {
  const plan = await planShipped('table1', { ...small, beta: '10', protocols: 'honest' });
  const { groups, comparisons } = await runShipped(engine, plan, 'table1');
  assert.deepEqual(
    groups.map(({ group }) => group),
    ['ab-mil', 'mean-linear', 'sam-mil', 'sam-mil-without-consistency', 'simlp'].map(
      (variant) => `${variant} · honest`,
    ),
  );
  assert.equal(comparisons.length, 10);
  assert.equal(await doneIn('table1', 'preprocess'), 0);
  const history = (cell: string) =>
    readFileSync(join(work, 'table1-train', cell, 'history', `${cell}.csv`), 'utf8').split('\n');
  const loss = (cell: string) => {
    const [head, row] = history(cell).map((line) => line.split(','));
    return Object.fromEntries(head.map((column, i) => [column, row[i]]));
  };
  const [without, full] = ['sam-mil-without-consistency', 'sam-mil'].map((variant) =>
    loss(`${variant}-honest-0-0`),
  );
  assert.ok(Number(full.consistency) > 0 && full.loss !== without.loss, JSON.stringify([full, without]));
});

test('table2: models, encoders, with and without group features; MHIM-MIL starts from a teacher of its own fold', async () => {
  const models = 'dsmil,mhim-mil';
  const set = {
    ...small,
    models,
    protocols: 'honest',
    resnet50: 'efficientnet-lite0',
    plip: 'stain-texture',
  };
  delete (set as Record<string, string>).encoder;
  const { groups, comparisons, folds } = await runShipped(engine, await planShipped('table2', set), 'table2');
  assert.equal(folds.length, 2 * 2 * 2 * 2);
  assert.deepEqual(
    groups.slice(0, 4).map(({ group }) => group),
    ['plip', 'resnet50'].flatMap((encoder) =>
      ['off', 'on'].map((on) => `dsmil · ${encoder} · groups ${on} · honest`),
    ),
  );
  assert.deepEqual(
    [comparisons.length, comparisons[0].a, comparisons[0].b],
    [4, groups[0].group, groups[1].group],
    'with against without',
  );
  assert.equal(
    await doneIn('table2', 'resnet50'),
    0,
    'taken from the preprocessing of the same slides by the same encoder',
  );
  assert.equal(await doneIn('table2', 'plip'), 8);
  assert.equal(await doneIn('table2', 'table2-teacher'), 8);
});

test('figure4: one hyper-parameter swept after another, each with its chart', async () => {
  const set = { ...small, alphas: '0,0.5', betas: '10', 'mask-ratios': '0.5', 'num-groups': '1' };
  const { groups, sweeps } = await runShipped(engine, await planShipped('figure4', set), 'figure4');
  assert.deepEqual(
    groups.map(({ group }) => group),
    ['alpha 0', 'alpha 0.5', 'beta 10', 'mask-ratio 0.5', 'num-group 1'],
  );
  assert.deepEqual(
    sweeps?.map(({ parameter, points }) => [parameter, ...points.map(({ value }) => value)]),
    [
      ['alpha', 0, 0.5],
      ['beta', 10],
      ['mask-ratio', 0.5],
      ['num-group', 1],
    ],
  );
  assert.ok(
    readFileSync(join(work, 'figure4/report.html'), 'utf8').includes('AUC and F1 over alpha: 0, 0.5'),
  );
});

test('figure6: every annotated slide, and no other, by the fold that tested it, with the models of camelyon16', async () => {
  const plan = await planShipped('figure6', { ...small, repeats: '2' });
  const { lesion } = await runShipped(engine, plan, 'figure6');
  assert.deepEqual(
    lesion.map(({ set, score }) => `${set} ${score}`),
    new Array(4).fill('test class-probability'),
  );
  assert.equal(await doneIn('figure6', 'figure6-train'), 0);
  assert.ok(existsSync(join(work, 'overlays', 'overlays', `${lesion[0].slide}.jpg`)));
});

test('tcga-nsclc: from existing features, in another work folder; patients disjoint', async (context) => {
  const own = temporaryFolder(context);
  const { columns, rows } = readCsv(small.slides, { header: true });
  const beside = (folder: string, id: string) => join(work, 'preprocess', folder, `${id}.h5`);
  const table = rows.map(({ values }) => ({
    ...values,
    features: beside('h5_files', values.slide_id),
    sam_info: beside('sam_info', values.slide_id),
  }));
  const slides = join(own, 'features.csv');
  const kept = columns.filter((column) => column !== 'path' && column !== 'annotation');
  writeFileSync(slides, formatCsv([...kept, 'features', 'sam_info'], table));
  const set = { ...small, slides, work: join(own, 'work'), models: 'sam-mil', protocols: 'paper' };
  const plan = await planShipped('tcga-nsclc', set);
  const { groups } = await runShipped(engine, plan, 'report');
  assert.deepEqual(
    groups.map(({ group, folds }) => [group, folds]),
    [['sam-mil · paper', 2]],
  );
  const steps = (await readEvents(plan.work, plan.name)).filter(({ stage }) => stage === 'preprocess');
  assert.deepEqual([...new Set(steps.map(({ step }) => step))], ['convert']);
  const [id] = rows.map(({ values }) => values.slide_id);
  const bags = [work, plan.work].map((folder) =>
    readFeatures(join(folder, 'preprocess/h5_files', `${id}.h5`)),
  );
  assert.deepEqual(bags[1].features, bags[0].features, 'group rows and all');
  const splits = readSplits(join(plan.work, 'split-paper/splits.json'));
  const patients = splits.repeats[0].folds.map(
    ({ test: tested }) => new Set(tested.map((key) => splits.groups![key])),
  );
  assert.ok([...patients[0]].every((patient) => !patients[1].has(patient)));
});
