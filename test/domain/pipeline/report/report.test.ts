import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readItems } from '../../../../domain/engine/store/items.js';
import type { FileRef } from '../../../../domain/job.js';
import type { JsonObject } from '../../../../domain/json.js';
import type { MetricsFile } from '../../../../domain/mil/evaluate/metrics-file.js';
import { auc } from '../../../../domain/statistics/ranking.js';
import { readPredictions } from '../../../../domain/mil/evaluate/predictions-file.js';
import { readReport, run } from '../../../../domain/pipeline/report/report.js';
import type { ReportWith } from '../../../../domain/pipeline/report/parameters.js';
import { reportPage } from '../../../../domain/pipeline/report/page/page.js';
import { writePlan, writeReceipt } from '../../../support/records.js';
import { hasCode, inputFile, makeJob, temporaryFolder } from '../../mil/support.js';
import {
  MODELS,
  writeEvaluations,
  writeHeatmaps,
  writePicture,
  writeRecords,
  writeRun,
  record,
  runPlan,
} from './support.js';

const work = mkdtempSync(join(tmpdir(), 'sam-mil-report-'));
after(() => rmSync(work, { recursive: true, force: true }));
const base = await writeAll();

/** Writes the work folder that all tests share, because writing it takes longer than reading it. */
async function writeAll(): Promise<ReportWith> {
  const region = {
    'mask-image': await writePicture(work, 'region/masks/CMU.jpg', '#80c080'),
    'stitch-image': await writePicture(work, 'region/stitches/CMU.jpg', '#c080c0'),
    count: 9,
  };
  writeRun(work, 'run-1');
  return {
    evaluations: inputFile(writeEvaluations(work)),
    heatmaps: inputFile(await writeHeatmaps(work)),
    slides: inputFile(writeRecords(work, 'region.jsonl', [record('CMU', {}, region)])),
    groupBy: 'model',
    compare: 'first',
    title: 'Title with <b>markup</b> & more',
    notes: 'A note that must be seen',
  };
}

function setUp(t: { after(done: () => void): void }, options: Partial<ReportWith> = {}, run?: string) {
  return makeJob(t, { ...base, ...options }, { work, name: 'report', ...(run === undefined ? {} : { run }) });
}

test('the report is one well-formed file without external resources or unescaped text, and runs only its own script', async (t) => {
  const job = setUp(t, {}, 'run-1');
  const result = await run(job);
  const page = readFileSync(result.files.report.from, 'utf8');
  assert.ok(page.startsWith('<!DOCTYPE html>'));
  const addresses = [...page.matchAll(/(?:src|href|srcset|data|action|xlink:href)="([^"]*)"/g)].map(
    ([, address]) => address,
  );
  assert.ok(addresses.length > 10);
  for (const address of addresses) assert.match(address, /^(#[\w-]+|data:image\/jpeg;base64,[\w+/=]+)$/);
  const [script, ...more] = [...page.matchAll(/<script>([^]*?)<\/script>/g)].map(([, text]) => text);
  assert.deepEqual(more, []);
  assert.ok(page.includes(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`));
  assert.doesNotMatch(page, /@import|url\((?!#hatch)|<script [^>]|<link|<iframe|https?:\/\/| on[a-z]+="/);
  assert.doesNotMatch(page.replace(script, ''), /undefined|NaN|\[object/);
  assert.ok(page.includes('Title with &lt;b&gt;markup&lt;/b&gt; &amp; more'));
  assert.ok(page.includes('&lt;/script&gt;&lt;img src=x'), 'parameters are shown as text');
  assertWellFormed(page);
});

test('shows the table, both protocols, intervals, comparison, seeds, notes, and left-out items with reasons', async (t) => {
  const job = setUp(t, {}, 'run-1');
  const data = await readReport(job);
  const page = readFileSync((await run(job)).files.report.from, 'utf8');
  for (const text of [
    'A note that must be seen',
    'The folds are small (the smallest has 8 scored slides)',
    'optimistic',
    'DeLong’s paired test',
    'repeat 0: 2021, repeat 1: 2022, repeat 2: 2023',
    'ChildCrashed: crashed<small>found &lt;out of memory&gt;</small>',
    'no_tissue',
    'tensorflow',
    '9.8.7',
    'c0ffee',
    'mil.split 4',
    'some-encoder, version 3, weights sha256:',
    'Lesion AUC of each annotated slide',
    '1 step up to date',
    'idle',
    'interrupted, on node-a',
  ]) {
    assert.ok(page.includes(text), `"${text}" is missing`);
  }
  assert.deepEqual(
    data.comparisons.map(({ repeats }) => repeats),
    [[0, 1, 2]],
    'one test for all repeats',
  );
  assert.equal(data.comparisons[0].slides, 24);
  assert.deepEqual(
    data.left.map(({ item, status }) => `${item} ${status}`),
    ['blank skipped', 'abmil-3-0 failed'],
  );
});

test('names slides without a label and counts them at the top; many labels without a slide share one row', async (t) => {
  const run = 'run-2';
  writeRun(work, run);
  writePlan(run, runPlan(work, [{ name: 'split', steps: [{ uses: 'mil.split' }] }]));
  const labels = Array.from({ length: 7 }, (_, i) => ({ name: `other_${i}`, reason: 'no slide' }));
  const dropped = [
    { name: 'test_049', reason: 'no label' },
    { name: 'blank', reason: 'no_tissue' },
    ...labels,
  ];
  writeReceipt(work, { stage: 'split', item: 'split', step: 'split' }, { dropped });
  const { left, notes } = await readReport(setUp(t, {}, run));
  assert.deepEqual(
    left.filter(({ stage }) => stage === 'split').map(({ item, reason }) => `${item}: ${reason}`),
    [
      'test_049: no label',
      '7 labels: no slide of that name: other_0, other_1, other_2, other_3, other_4, and 2 more',
    ],
  );
  assert.ok(notes.some((note) => note.startsWith('1 slide had no label and is not included in the results')));
});

test('every row is traceable: the report contains the digests of all predictions and metrics files', async (t) => {
  const job = setUp(t);
  const result = await run(job);
  const page = readFileSync(result.files.report.from, 'utf8');
  const summary = JSON.parse(readFileSync(result.files.metrics.from, 'utf8')) as {
    folds: { files: { predictions: { digest: string }; metrics: { digest: string } } }[];
  };
  assert.equal(summary.folds.length, 18);
  for (const { files } of summary.folds) {
    for (const { digest } of [files.predictions, files.metrics])
      assert.ok(page.includes(digest.replace('sha256:', '')));
  }
});

test('metrics.json depends only on the inputs, and its means are those of the folds', async (t) => {
  const job = setUp(t, {}, 'run-1');
  const first = readFileSync((await run(job)).files.metrics.from, 'utf8');
  const alone = makeJob(t, base, { work, name: 'other' });
  assert.equal(readFileSync((await run(alone)).files.metrics.from, 'utf8'), first);

  const summary = JSON.parse(first) as {
    groups: {
      group: string;
      protocols: { honest: { auc: { repeats: { mean: number; std: number }; folds: { std: number } } } };
    }[];
  };
  assert.deepEqual(
    summary.groups.map(({ group }) => group),
    MODELS,
  );
  for (const { group, protocols } of summary.groups) {
    const aucs = [0, 1, 2].map((repeat) =>
      [0, 1, 2].map((fold) => aucOf(job.work, `${group}-${repeat}-${fold}`)),
    );
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
    const std = (values: number[]) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
    const { repeats, folds } = protocols.honest.auc;
    assert.ok(Math.abs(repeats.mean - mean(aucs.map(mean))) < 1e-12);
    assert.ok(Math.abs(repeats.std - std(aucs.map(mean))) < 1e-12);
    assert.ok(Math.abs(folds.std - std(aucs.flat())) < 1e-12);
    assert.ok(folds.std > repeats.std);
  }
});

function aucOf(work: string, cell: string): number {
  const file = JSON.parse(
    readFileSync(join(work, 'evaluate', cell, 'metrics', `${cell}.json`), 'utf8'),
  ) as MetricsFile;
  return file.rank.auc!;
}

test('enlarges the first annotated and the first unannotated slide of the test set, not the best looking', async (t) => {
  const data = await readReport(setUp(t));
  assert.deepEqual(
    data.shown.heatmaps.map(({ key }) => key),
    ['slide_001', 'slide_002'],
  );
  assert.match(data.shown.rule, /first slide with and the first without an annotation in the test set/);
  assert.equal(data.shown.heatmaps[0].pictures.length, 3);
  const annotated = 'lesion: Tumor: Positive (2); not counted: Stroma (1)';
  assert.equal(data.shown.heatmaps[0].annotated, annotated);
  assert.ok(reportPage(data).includes(`Annotation: ${annotated}.`));
});

test('requires only evaluations', async (t) => {
  const job = setUp(t, { heatmaps: undefined, slides: undefined, notes: undefined });
  const page = readFileSync((await run(job)).files.report.from, 'utf8');
  assert.ok(!page.includes('id="heatmaps"') && !page.includes('id="timeline"'));
  assertWellFormed(page);
});

test('writes a report of a run in which nothing succeeded', async (t) => {
  const work = temporaryFolder(t);
  const failed = {
    ...record('abmil-0-0', {}, {}),
    status: 'failed' as const,
    reason: 'WeightsMissing: none',
  };
  const evaluations = inputFile(writeRecords(work, 'runs.jsonl', [failed]));
  const parameters: ReportWith = { evaluations, groupBy: 'model', compare: 'first', title: 'Empty' };
  const page = readFileSync((await run(makeJob(t, parameters, { work }))).files.report.from, 'utf8');
  assert.ok(page.includes('No evaluation finished') && page.includes('WeightsMissing: none'));
});

test('refuses an edited file and names it', async (t) => {
  const job = setUp(t);
  const path = join(job.work, 'evaluate/abmil-0-0/predictions/abmil-0-0.csv');
  const before = readFileSync(path);
  appendFileSync(path, 'slide_999,tumor,0.5,0.5,tumor\n');
  await assert.rejects(
    run(job),
    hasCode('OutputDamaged', /predictions.*abmil-0-0.*was changed after the step/),
  );
  writeFileSync(path, before);
  await run(job);
});

test('the pooled AUC is the mean over the repeats of the AUC over all folds', async (t) => {
  const { pooled, folds } = await readReport(setUp(t));
  const repeats = [0, 1, 2].map((repeat) => {
    const members = folds.filter(({ group, metrics }) => group === 'abmil' && metrics.repeat === repeat);
    const rows = members.flatMap(({ metrics }) => readPredictionsOf(metrics.cell));
    return auc(
      rows.map(({ probabilities }) => probabilities[1]),
      rows.map(({ label }) => label),
    );
  });
  const mean = repeats.reduce((sum, value) => sum + value, 0) / 3;
  assert.equal(pooled.length, 2);
  assert.ok(Math.abs(pooled[0].auc!.mean - mean) < 1e-12);
  assert.equal(pooled[0].auc!.n, 3);
});

function readPredictionsOf(cell: string) {
  return readPredictions(join(work, 'evaluate', cell, 'predictions', `${cell}.csv`), ['normal', 'tumor']);
}

test('groups can combine several fields', async (t) => {
  const data = await readReport(setUp(t, { groupBy: ['model', 'repeat'], compare: 'none' }));
  assert.equal(data.rows.length, 6);
  assert.equal(data.rows[0].group, 'abmil · repeat 0');
  assert.deepEqual(data.comparisons, []);
});

test('a sweep sorts numbers by size, averages the folds that have each value, and draws a chart', async (t) => {
  const swept = readItems(base.evaluations!.path).map((item) => {
    const alpha = [2, 0.5, 10][Number(item.fields.repeat)];
    return { ...item, fields: item.fields.model === 'abmil' ? { ...item.fields, alpha } : item.fields };
  });
  const evaluations = inputFile(writeRecords(work, 'swept.jsonl', swept));
  const options = { evaluations, groupBy: ['model', 'alpha'], sweep: 'alpha', compare: 'none' as const };
  const job = setUp(t, options);
  const data = await readReport(job);
  assert.deepEqual(
    data.rows.map(({ group }) => group),
    ['abmil · alpha 0.5', 'abmil · alpha 2', 'abmil · alpha 10', 'sam-mil'],
  );
  const [sweep, ...more] = data.sweeps;
  assert.deepEqual([more.length, sweep.parameter, sweep.of], [0, 'alpha', 'abmil']);
  assert.deepEqual(
    sweep.points.map(({ value, folds }) => [value, folds]),
    [
      [0.5, 3],
      [2, 3],
      [10, 3],
    ],
  );
  for (const [i, { auc: summary }] of sweep.points.entries())
    assert.deepEqual(summary, data.rows[i].protocols.honest.auc);
  const page = readFileSync((await run(job)).files.report.from, 'utf8');
  assert.ok(page.includes('AUC and F1 over alpha · abmil: 0.5, 2, 10'));
  assertWellFormed(page);
});

test('the heatmap legend states the score and the color scale that mil.heatmap recorded', async (t) => {
  const legendOf = async (change: (outputs: JsonObject, i: number) => JsonObject) => {
    const items = readItems(base.heatmaps!.path).map((item, i) => ({
      ...item,
      outputs: change(item.outputs, i),
    }));
    const heatmaps = inputFile(writeRecords(work, 'drawn.jsonl', items));
    const page = reportPage(await readReport(setUp(t, { heatmaps })));
    return page.slice(page.indexOf('id="heatmaps-h"'), page.indexOf('Lesion AUC of every'));
  };
  const attention = await legendOf((outputs) => outputs);
  assert.match(attention, /Where the model looks[^]*by rank within the slide[^]*upper half/);
  assert.match(attention, /Attention: lowest <span class="scale"[^>]*#440154[^>]*><\/span> highest/);
  const probability = await legendOf((outputs) => ({
    ...outputs,
    ...{ score: 'class-probability', class: 'tumor', scale: 'none', colormap: 'magma' },
  }));
  assert.match(probability, /Probability of tumor in each patch[^]*patches above 0\.5/);
  assert.match(probability, /Probability of tumor: 0 <span class="scale"[^>]*#000004[^>]*><\/span> 1/);
  assert.doesNotMatch(probability, /rank|Where the model looks/);
  const both = await legendOf((outputs, i) => (i > 1 ? outputs : { ...outputs, scale: 'range' }));
  assert.match(both, /lowest score of the slide to its highest[^]*by rank within the slide/);
});

test('`compare-by` compares groups that differ only in one field', async (t) => {
  const options = { groupBy: ['model', 'fold'], compare: 'all' as const };
  const pairs = async (compareBy: string) =>
    (await readReport(setUp(t, { ...options, compareBy }))).comparisons.map(({ a, b }) => `${a} - ${b}`);
  assert.deepEqual(
    await pairs('model'),
    [0, 1, 2].map((fold) => `abmil · fold ${fold} - sam-mil · fold ${fold}`),
  );
  assert.deepEqual(await pairs('fold'), [], 'folds score different slides, so there are no pairs');
  await assert.rejects(
    pairs('encoder'),
    hasCode('InvalidInput', /not one of the `group-by` fields.*model, fold.*encoder/),
  );
});

test('each group uses its own protocol, and epochs selected on scored slides are marked', async (t) => {
  const mixed = readItems(base.evaluations!.path).map((item) => ({
    ...item,
    fields: { ...item.fields, kind: item.key },
  }));
  const folder = temporaryFolder(t);
  const first = mixed[0];
  const metrics = JSON.parse(
    readFileSync(join(work, (first.outputs.metrics as unknown as FileRef).path), 'utf8'),
  ) as MetricsFile;
  metrics.protocol = 'paper';
  metrics.selection.optimistic = true;
  const path = join(folder, 'optimistic.json');
  writeFileSync(path, JSON.stringify(metrics));
  const outputs = { ...first.outputs, metrics: { path, digest: inputFile(path).digest, bytes: 1 } };
  const evaluations = inputFile(writeRecords(work, 'mixed.jsonl', [{ ...first, outputs }, mixed[9]]));
  const job = setUp(t, { evaluations, compare: 'none' });
  const { rows } = await readReport(job);
  assert.deepEqual(
    rows.map(({ protocol, optimistic }) => [protocol, optimistic]),
    [
      ['paper', true],
      ['honest', false],
    ],
  );
  const page = readFileSync((await run(job)).files.report.from, 'utf8');
  assert.equal(page.split('epoch selected on the scored slides').length - 1, 1);
});

/** Checks that all elements are closed in order, except void elements and self-closing SVG shapes. */
function assertWellFormed(page: string): void {
  const body = page.replace(/<(style|script)>[\s\S]*?<\/\1>/g, '');
  const open: string[] = [];
  for (const [whole, closing, name, rest] of body.matchAll(/<(\/?)([a-zA-Z][\w-]*)((?:"[^"]*"|[^>"])*)>/g)) {
    if (closing) assert.equal(open.pop(), name, `around ${whole}`);
    else if (!rest.endsWith('/')) open.push(name);
  }
  assert.deepEqual(open, []);
}

test('without evaluations the page shows only the preprocessing; without any input it is refused', async (t) => {
  const job = setUp(t, {});
  const { evaluations, ...rest } = job.with;
  assert.ok(evaluations);
  const data = await readReport({ ...job, with: { ...rest, slides: evaluations } });
  assert.equal(data.evaluated, false);
  assert.doesNotMatch(reportPage(data), /<h2 id="result-h">/);
  assert.match(reportPage(await readReport(job)), /<h2 id="result-h">/);
  await assert.rejects(
    readReport({ ...job, with: { ...rest, slides: undefined, heatmaps: undefined } }),
    hasCode('InvalidInput', /the report has no inputs/),
  );
});
