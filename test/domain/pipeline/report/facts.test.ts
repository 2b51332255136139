import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { readItems } from '../../../../domain/engine/store/items.js';
import type { FileRef, ItemRecord } from '../../../../domain/job.js';
import type { Made } from '../../../../domain/engine/store/receipt-record.js';
import type { MetricsFile } from '../../../../domain/mil/evaluate/metrics-file.js';
import { formatSplits, type Splits } from '../../../../domain/mil/split/splits.js';
import type { ReportWith } from '../../../../domain/pipeline/report/parameters.js';
import { readReport, run } from '../../../../domain/pipeline/report/report.js';
import { writePlan, writeReceipt } from '../../../support/records.js';
import { inputFile, makeJob } from '../../mil/support.js';
import { writeUsed } from './large.js';
import {
  checkpointDigest,
  fileRef,
  MODELS,
  record,
  runPlan,
  writeEvaluations,
  writePicture,
  writeRecords,
  writeRun,
} from './support.js';

const work = mkdtempSync(join(tmpdir(), 'sam-mil-report-'));
after(() => rmSync(work, { recursive: true, force: true }));
const evaluations = inputFile(writeEvaluations(work));
const base: ReportWith = { evaluations, groupBy: 'model', compare: 'all' };

type Context = { after(done: () => void): void };
const setUp = (t: Context, options: Partial<ReportWith> = {}, id?: string) =>
  makeJob(t, { ...base, ...options }, { work, name: 'report', ...(id === undefined ? {} : { run: id }) });

async function pageOf(t: Context, options: Partial<ReportWith> = {}, id?: string): Promise<string> {
  return readFileSync((await run(setUp(t, options, id))).files.report.from, 'utf8').replace(/\s+/g, ' ');
}

test('without a title, the heading names the models and counts the slides, whatever the pipeline is called', async (t) => {
  const page = await pageOf(t);
  assert.ok(page.includes('<h1>abmil, sam-mil on 24 slides</h1>'));
  assert.ok(
    page.includes('24 scored slides (12 normal, 12 tumor) · positive class tumor · 3 repeats of 3 folds'),
  );
  const named = await pageOf(t, { title: 'My study' });
  assert.ok(named.includes('<h1>My study</h1>'));
});

test('metrics.json has one test per pair, with the p value corrected by Holm', async (t) => {
  const groupBy = ['model', 'kind'];
  const items = readItems(evaluations.path).flatMap((item): ItemRecord[] => [
    { ...item, fields: { ...item.fields, kind: 'x' } },
    { ...item, key: `${item.key}-y`, fields: { ...item.fields, kind: 'y' } },
  ]);
  const twice = inputFile(writeRecords(work, 'kinds.jsonl', items));
  const result = await run(setUp(t, { evaluations: twice, groupBy }));
  const { comparisons } = JSON.parse(readFileSync(result.files.metrics.from, 'utf8')) as {
    comparisons: { a: string; b: string; repeats: number[]; p_two_sided: number | null; p_holm: number }[];
  };
  assert.equal(comparisons.length, 6);
  for (const { a, b, repeats, p_two_sided: p, p_holm: corrected } of comparisons) {
    assert.deepEqual(repeats, [0, 1, 2]);
    if (a.split(' ')[0] === b.split(' ')[0]) assert.deepEqual([p, corrected], [null, 1], 'equal scores');
    else assert.ok(corrected >= p! && corrected <= 1);
  }
  const smallest = Math.min(...comparisons.flatMap(({ p_two_sided: p }) => p ?? []));
  assert.ok(comparisons.some(({ p_holm: p }) => Math.abs(p - Math.min(1, 6 * smallest)) < 1e-12));
  const page = await pageOf(t, { evaluations: twice, groupBy });
  assert.ok(page.includes('aria-label="Matrix of pairwise tests"'));
  assert.ok(page.includes('corrected for 6 tests by Holm'));
});

test('groups are ranked by AUC, and optimistic results are ranked apart from honest ones', async (t) => {
  const { items, restore } = changeMetrics((metrics) => {
    if (metrics.model === 'sam-mil') metrics.selection.optimistic = true;
  });
  const page = await pageOf(t, { evaluations: inputFile(writeRecords(work, 'apart.jsonl', items)) });
  restore();
  const [first, second] = page.split('Optimistic results');
  assert.ok(first.includes('aria-label="Ranking"') && second.includes('aria-label="Ranking"'));
  const honest = await pageOf(t);
  const ranking = honest.slice(honest.indexOf('aria-label="Ranking"'), honest.indexOf('All metrics'));
  assert.ok(ranking.indexOf('>sam-mil<') < ranking.indexOf('>abmil<'), 'the better model is first');
});

/** Items whose metrics files were changed; `restore` writes the old files again. */
function changeMetrics(change: (metrics: MetricsFile) => void): { items: ItemRecord[]; restore: () => void } {
  const before: [string, string][] = [];
  const items = readItems(evaluations.path).map((item) => {
    if (item.status !== 'done') return item;
    const ref = item.outputs.metrics as unknown as FileRef;
    const path = join(work, ref.path);
    before.push([path, readFileSync(path, 'utf8')]);
    const metrics = JSON.parse(readFileSync(path, 'utf8')) as MetricsFile;
    change(metrics);
    writeFileSync(path, JSON.stringify(metrics));
    return { ...item, outputs: { ...item.outputs, metrics: fileRef(work, ref.path) } };
  });
  return { items, restore: () => before.forEach(([path, text]) => writeFileSync(path, text)) };
}

test('a fold whose last epoch was kept because its validation set lacks a class says so at its numbers and on top', async (t) => {
  const note = 'the validation set lacks a class, so no epoch can be chosen by AUC: the last one is kept';
  const { items, restore } = changeMetrics((metrics) => {
    if (metrics.model === 'abmil' && metrics.fold === 1) metrics.training.note = note;
  });
  const page = await pageOf(t, { evaluations: inputFile(writeRecords(work, 'noted.jsonl', items)) });
  restore();
  assert.ok(page.includes(`In 3 of 18 evaluations, ${note}.`));
  const ranking = page.slice(page.indexOf('aria-label="Ranking"'), page.indexOf('All metrics'));
  assert.ok(ranking.includes(`in 3 of 9 folds, ${note}`));
});

test('splits without patients are named as such at the top; with patients, their number is shown', async (t) => {
  const id = 'run-patients';
  writeRun(work, id);
  writePlan(id, runPlan(work, [{ name: 'split', steps: [{ uses: 'mil.split' }] }]));
  writeUsed(work, id, 'split', ['split']);
  const keys = Array.from({ length: 24 }, (_, i) => `slide_${String(i).padStart(3, '0')}`);
  const splits: Splits = {
    splits: 1,
    scheme: 'stratified',
    seed: 1,
    endpoint: 'classification' as const,
    classes: ['normal', 'tumor'],
    labels: Object.fromEntries(keys.map((key, i) => [key, i % 2])),
    repeats: [
      { repeat: 0, seed: 1, folds: [{ fold: 0, train: keys.slice(0, 16), val: [], test: keys.slice(16) }] },
    ],
  };
  const show = async (content: Splits) => {
    writeFileSync(join(work, 'splits.json'), formatSplits(content));
    const ref = fileRef(work, 'splits.json');
    writeReceipt(work, { stage: 'split', item: 'split', step: 'split' }, { splits: ref });
    const { items, restore } = changeMetrics((metrics) => {
      metrics.sources.splits = ref.digest;
    });
    const page = await pageOf(t, { evaluations: inputFile(writeRecords(work, 'split.jsonl', items)) }, id);
    restore();
    return page;
  };
  assert.match(await show(splits), /Slides were divided into sets without regard to patients/);
  const groups = Object.fromEntries(keys.map((key, i) => [key, `p${i >> 1}`]));
  const grouped = await show({ ...splits, groups });
  assert.doesNotMatch(grouped, /without regard to patients/);
  assert.ok(grouped.includes('positive class tumor · 12 patients'));
});

test('warnings, time, memory and devices come from the receipts, training curves from the history of the evaluated checkpoint', async (t) => {
  const id = 'run-steps';
  writeRun(work, id);
  writePlan(id, runPlan(work, [{ name: 'train', steps: [{ uses: 'mil.train-fold', id: 'train' }] }]));
  const cells = MODELS.flatMap((model) => [0, 1, 2].map((fold) => `${model}-0-${fold}`));
  for (const [i, cell] of cells.entries()) {
    const path = `${cell}.csv`;
    writeFileSync(join(work, path), 'epoch,loss,val_loss,val_auc\n1,0.9,1.1,0.5\n2,0.4,0.7,0.75\n');
    const checkpoint = { path: `${cell}.safetensors`, digest: checkpointDigest(cell), bytes: 1 };
    writeReceipt(
      work,
      { stage: 'train', item: cell, step: 'train' },
      { checkpoint, history: fileRef(work, path) },
      { seconds: 10 + i, memory: (i + 1) * 1e8, devices: ['cuda'], warnings: ['<slow> disk'] },
    );
  }
  writeUsed(work, id, 'train', cells);
  const data = await readReport(setUp(t, {}, id));
  assert.deepEqual(
    data.training.map(({ group, folds, missing }) => [group, folds.length, missing]),
    MODELS.map((model) => [model, 3, 6]),
  );
  const scores = { valAuc: 0.75, valConcordance: null, valRmse: null };
  assert.deepEqual(data.training[0].folds[0].history[1], { epoch: 2, loss: 0.4, valLoss: 0.7, ...scores });
  const [used] = data.resources;
  assert.deepEqual(
    [used.stage, used.items, used.total, used.longest, used.memory, used.devices],
    ['train', 6, 75, 15, 6e8, ['cuda']],
  );
  assert.deepEqual(
    data.warnings.map(({ text, items }) => [text, items]),
    [['<slow> disk', cells]],
  );
  const page = await pageOf(t, {}, id);
  assert.ok(page.includes('600 MB') && page.includes('&lt;slow&gt; disk'));
  assert.ok(page.includes('Loss of abmil over 2 epochs'));
  const alone = (await run(setUp(t))).files.metrics.from;
  assert.equal(
    readFileSync((await run(setUp(t, {}, id))).files.metrics.from, 'utf8'),
    readFileSync(alone, 'utf8'),
    'metrics.json does not depend on them',
  );
});

test('the table of resources has GPU columns only where a step used one, and a dash for what was not measured', async (t) => {
  const id = 'run-gpus';
  writeRun(work, id);
  const stages = ['extract', 'convert'].map((name) => ({ name, steps: [{ uses: 'mil.import', id: name }] }));
  writePlan(id, runPlan(work, stages));
  const add = (stage: string, facts: Partial<Made>) => {
    writeReceipt(work, { stage, item: 'a', step: stage }, {}, facts);
    writeUsed(work, id, stage, ['a']);
  };
  const headings = async () => {
    const page = await pageOf(t, {}, id);
    const table = page.slice(
      page.indexOf('id="resources"'),
      page.indexOf('</section>', page.indexOf('id="resources"')),
    );
    return { table, titles: [...table.matchAll(/<th scope="col"[^>]*>([^<]*)/g)].map(([, title]) => title) };
  };
  const always = ['Stage', 'Step', 'Items', 'Time, total', 'Time, longest', 'Peak memory', 'Device'];
  add('convert', { seconds: 2 });
  add('extract', { seconds: 4, devices: ['cpu'], cpu: 7.5, waited: 3 });
  assert.deepEqual((await headings()).titles, [...always, 'CPU time', 'Waited, mean', 'Host']);
  const gpu = { index: '1', name: 'H100 <big>', memory: 4e9, inUse: 9e9, utilization: 87 };
  add('extract', { seconds: 4, devices: ['cuda'], patchesPerSecond: 812.44, gpu });
  const { table, titles } = await headings();
  assert.deepEqual(titles, [...always, 'Patches per second', 'GPU', 'GPU memory', 'GPU utilization', 'Host']);
  for (const text of ['812.4', 'GPU 1 H100 &lt;big&gt;', '4.0 GB', '87 %'])
    assert.ok(table.includes(text), text);
  assert.ok(table.includes('–'));
  add('extract', { seconds: 4, devices: ['cuda'], gpu: { ...gpu, memory: undefined } });
  assert.ok((await headings()).table.includes('9.0 GB (all processes)'));
});

test('errors are listed worst first with picture and heatmap, and every scored slide has a row', async (t) => {
  const data = await readReport(setUp(t));
  const means = data.scored.map(
    ({ tests }) => tests.reduce((sum, { probability }) => sum + probability, 0) / tests.length,
  );
  assert.deepEqual(
    means,
    [...means].sort((a, b) => a - b),
  );
  assert.equal(data.scored.length, 24);
  const worst = data.scored[0];
  assert.ok(worst.tests.some(({ wrong }) => wrong));
  const mask = await writePicture(work, 'worst/mask.jpg', '#80c080');
  const overlay = await writePicture(work, 'worst/overlay.jpg', '#60d0e0');
  const slides = inputFile(
    writeRecords(work, 'worst-slides.jsonl', [record(worst.key, {}, { 'mask-image': mask })]),
  );
  const drawn = record(worst.key, {}, { overlay, score: 'attention', set: 'train', patches: 3 });
  const heatmaps = inputFile(writeRecords(work, 'worst-heatmaps.jsonl', [drawn]));
  const shown = await readReport(setUp(t, { slides, heatmaps }));
  assert.deepEqual(
    shown.errorPictures.get(worst.key)?.map(({ caption }) => caption),
    [
      'Detected tissue: outline and holes',
      'High attention in cyan (of a model that was trained with this slide)',
    ],
  );
  const page = await pageOf(t, { slides, heatmaps });
  const table = page.slice(page.indexOf('aria-label="Scored slides"'));
  for (const { key } of data.scored) assert.ok(table.includes(`>${key}</th>`), key);
});

test('all preprocessed slides have thumbnails, and the page says which ones are enlarged', async (t) => {
  const picture = await writePicture(work, 'many/mask.jpg', '#80c080');
  const items = Array.from({ length: 14 }, (_, i) => record(`s${i}`, {}, { 'mask-image': picture }));
  const slides = inputFile(writeRecords(work, 'many.jsonl', items));
  const data = await readReport(setUp(t, { slides }));
  assert.deepEqual([data.slides.length, data.gallery.length, data.slidesWithoutPictures], [4, 14, 0]);
  const page = await pageOf(t, { slides });
  assert.ok(page.includes('the first 4 of 14 slides'));
});
