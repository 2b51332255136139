import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { ItemRecord } from '../../../../domain/job.js';
import type { JsonObject } from '../../../../domain/json.js';
import { writeEvaluation } from '../../../../domain/mil/evaluate/evaluation-files.js';
import { readReport, run } from '../../../../domain/pipeline/report/report.js';
import { RandomStream } from '../../../../domain/random.js';
import { inputFile, makeJob, temporaryFolder } from '../../mil/support.js';
import { checkpointDigest, fileRef, record, slideName, SPLITS_DIGEST, writeRecords } from './support.js';

const CLASSES = ['lung', 'skin', 'thyroid'];

/** An evaluation of 12 slides; the first slide of the last class is called the first class. */
function writeFold(work: string, model: string, fold: number, settings: Partial<Settings> = {}): ItemRecord {
  const { ordered, protocol, without } = { ...SETTINGS, ...settings };
  const random = new RandomStream('several-classes', model, fold);
  const all = Array.from({ length: 12 }, (_, i) => {
    const label = i % 3;
    const shown = i === 2 ? 0 : label;
    const high = 0.7 + 0.2 * random.uniform();
    const probabilities = CLASSES.map((_, k) => (k === shown ? high : (1 - high) / 2));
    return { key: slideName(12 * fold + i), label, probabilities };
  });
  const scored = all.filter(({ label }) => label !== without);
  const cell = `${model}-0-${fold}`;
  const folder = join(work, 'evaluate', cell);
  mkdirSync(folder, { recursive: true });
  const facts = {
    ...{
      cell,
      model,
      repeat: 0,
      fold,
      seed: 1,
      set: 'test' as const,
      level: 'slide' as const,
      classes: CLASSES,
      protocol,
    },
    selection: { epoch: 3, by: 'last epoch', optimistic: false },
    training: {},
    sources: { checkpoint: checkpointDigest(cell), splits: SPLITS_DIGEST },
  };
  const { files } = writeEvaluation(
    folder,
    facts,
    { scored, validation: [] },
    { threshold: 'half', bootstrap: 40, ordered },
  );
  const outputs: JsonObject = {};
  for (const [name, { to }] of Object.entries(files)) outputs[name] = fileRef(work, `evaluate/${cell}/${to}`);
  return record(cell, { model, repeat: 0, fold }, outputs);
}

interface Settings {
  ordered: boolean;
  protocol: 'honest' | 'paper';
  /** Class of which the fold has no slides. */
  without: number | undefined;
}
const SETTINGS: Settings = { ordered: false, protocol: 'honest', without: undefined };

function jobOf(t: TestContext, work: string, items: ItemRecord[]) {
  const evaluations = inputFile(writeRecords(work, 'evaluate.jsonl', items));
  const parameters = { evaluations, groupBy: 'model', compare: 'all' as const };
  return makeJob(t, parameters, { work, name: 'report' });
}

async function pageOf(job: ReturnType<typeof jobOf>): Promise<string> {
  return readFileSync((await run(job)).files.report.from, 'utf8').replace(/\s+/g, ' ');
}

test('with three classes, the report has macro means, each class, its curve, and confusion matrices', async (t) => {
  const work = temporaryFolder(t);
  const items = ['abmil', 'dsmil'].flatMap((model) => [0, 1].map((fold) => writeFold(work, model, fold)));
  const job = jobOf(t, work, items);
  const { comparisons, scored, pooled, rows } = await readReport(job);
  const [{ method, slides, result, pHolm }] = comparisons;
  assert.deepEqual([comparisons.length, method, slides], [1, 'bootstrap', 24]);
  assert.deepEqual([result.aucA, result.aucB], pooled.map(({ auc }) => auc?.mean)); // prettier-ignore
  assert.ok(pHolm > 0.05 && result.difference95[0] <= 0 && result.difference95[1] >= 0);
  const page = await pageOf(job);
  for (const text of [
    '24 scored slides (8 lung, 8 skin, 8 thyroid) · 1 repeat of 2 folds',
    'Paired bootstrap (the same slides for both models, drawn within each class) of the macro AUC of the pooled',
    'the most probable class is called',
    'Mean ROC curves of lung, skin, thyroid',
    '>Macro AUC<',
    '>Macro F1<',
    'Called class',
    'A slide is wrong if another class is the most probable one.',
  ]) {
    assert.ok(page.includes(text), `"${text}" is missing`);
  }
  for (const text of [
    'Specificity',
    'All metrics',
    '>Threshold<',
    'honest threshold',
    'honest:',
    'DeLong for the AUC',
    'Quadratic kappa',
    'No fold',
    'threshold of its fold',
  ]) {
    assert.ok(!page.includes(text), `"${text}" says nothing about three classes`);
  }
  for (const title of ['Probabilities of all classes', 'Called classes']) {
    const [table] = new RegExp(`aria-label="${title}">.*?</table>`).exec(page) ?? [''];
    assert.equal(
      table.match(/<tr/g)?.length,
      5,
      'a header, and the folds and the pooled scores of each model',
    );
  }
  const [each] = /aria-label="Each class against the others">.*?<\/table>/.exec(page) ?? [''];
  assert.equal(each.match(/<tr/g)?.length, 7, 'a header, and a row per class and model');
  assert.ok(page.includes('<div class="panels wide">'), 'the matrices have room for every class');
  assert.ok(!page.includes('± –'), 'an undefined metric has no deviation');
  const worst = scored.slice(0, 2);
  assert.deepEqual(worst.map(({ key }) => key).sort(), ['slide_002', 'slide_014']);
  for (const { tests } of worst) assert.ok(tests.every(({ called, wrong }) => called === 'lung' && wrong));
  // Of 8 slides per class and model, one per fold was called another class.
  assert.match(
    page,
    /<th scope="row" class="text">thyroid<\/th> <td class="wrong">2<\/td><td class="">0<\/td><td class="">6<\/td> <td>75.0%<\/td>/,
  );
  // 22 of 24 are right: kappa = (22/24 - 1/3) / (1 - 1/3), as every class has 8 slides.
  const several = pooled[0].several!;
  assert.ok(Math.abs(several.overall.kappa.spread!.mean - 0.875) < 1e-12);
  assert.ok(several.overall.kappa.interval!.low < 0.875 && several.overall.kappa.interval!.high > 0.875);
  assert.equal(several.per_class.thyroid.recall.spread!.mean, 0.75);
  assert.equal(rows[0].several?.per_class.thyroid.recall.folds?.mean, 0.75);
  const metrics = JSON.parse(readFileSync((await run(job)).files.metrics.from, 'utf8')) as {
    groups: { several: { overall: { kappa: { folds: { mean: number } } } } }[];
    folds: { several: { per_class: object } }[];
  };
  assert.ok(Math.abs(metrics.groups[0].several.overall.kappa.folds.mean - 0.875) < 1e-12);
  assert.deepEqual(Object.keys(metrics.folds[0].several.per_class), CLASSES);
});

test('with an ordered scale, the report has the quadratic kappa; the paper protocol is not optimistic without a threshold', async (t) => {
  const work = temporaryFolder(t);
  const settings = { ordered: true, protocol: 'paper' } as const;
  const job = jobOf(t, work, [0, 1].map((fold) => writeFold(work, 'abmil', fold, settings))); // prettier-ignore
  const page = await pageOf(job);
  assert.ok(page.includes('Quadratic kappa'));
  assert.ok(!/Optimistic results|>optimistic</.test(page), 'no threshold was selected on the scored slides');
});

test('a class without slides in a fold, or in all of them, is shown as undefined with the reason', async (t) => {
  const [one, all] = [temporaryFolder(t), temporaryFolder(t)];
  const gap = await pageOf(
    jobOf(t, one, [writeFold(one, 'abmil', 0, { without: 2 }), writeFold(one, 'abmil', 1)]),
  );
  assert.ok(gap.includes('Some folds have no slides of a class: thyroid in fold 0 of repeat 0.'));
  assert.match(gap, /<small>1 of 2 folds<\/small>/);
  const none = await pageOf(
    jobOf(t, all, [0, 1].map((fold) => writeFold(all, 'abmil', fold, { without: 2 }))), // prettier-ignore
  );
  assert.ok(none.includes('undefined: no slide of class thyroid'));
  assert.ok(none.includes('no curve: no fold has slides of it and of others'));
  assert.doesNotMatch(none, /NaN/);
});
