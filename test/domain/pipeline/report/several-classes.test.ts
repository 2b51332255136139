import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ItemRecord } from '../../../../domain/job.js';
import type { JsonObject } from '../../../../domain/json.js';
import { writeEvaluation } from '../../../../domain/mil/evaluate/evaluation-files.js';
import { readReport, run } from '../../../../domain/pipeline/report/report.js';
import { RandomStream } from '../../../../domain/random.js';
import { inputFile, makeJob, temporaryFolder } from '../../mil/support.js';
import { checkpointDigest, fileRef, record, slideName, SPLITS_DIGEST, writeRecords } from './support.js';

const CLASSES = ['lung', 'skin', 'thyroid'];

/** An evaluation of 12 slides; the first slide of the last class is called the first class. */
function writeFold(work: string, model: string, fold: number): ItemRecord {
  const random = new RandomStream('several-classes', model, fold);
  const scored = Array.from({ length: 12 }, (_, i) => {
    const label = i % 3;
    const shown = i === 2 ? 0 : label;
    const high = 0.7 + 0.2 * random.uniform();
    const probabilities = CLASSES.map((_, k) => (k === shown ? high : (1 - high) / 2));
    return { key: slideName(12 * fold + i), label, probabilities };
  });
  const cell = `${model}-0-${fold}`;
  const folder = join(work, 'evaluate', cell);
  mkdirSync(folder, { recursive: true });
  const facts = {
    ...{ cell, model, repeat: 0, fold, seed: 1, set: 'test' as const, classes: CLASSES },
    protocol: 'honest' as const,
    selection: { epoch: 3, by: 'last epoch', optimistic: false },
    training: {},
    sources: { checkpoint: checkpointDigest(cell), splits: SPLITS_DIGEST },
  };
  const { files } = writeEvaluation(
    folder,
    facts,
    { scored, validation: [] },
    { threshold: 'half', bootstrap: 0 },
  );
  const outputs: JsonObject = {};
  for (const [name, { to }] of Object.entries(files)) outputs[name] = fileRef(work, `evaluate/${cell}/${to}`);
  return record(cell, { model, repeat: 0, fold }, outputs);
}

test('with three classes, the report has confusion matrices and errors, and says why it has no tests and curves', async (t) => {
  const work = temporaryFolder(t);
  const items = ['abmil', 'dsmil'].flatMap((model) => [0, 1].map((fold) => writeFold(work, model, fold)));
  const evaluations = inputFile(writeRecords(work, 'evaluate.jsonl', items));
  const job = makeJob(
    t,
    { evaluations, groupBy: 'model', compare: 'all' as const },
    { work, name: 'report' },
  );
  const { comparisons, scored } = await readReport(job);
  assert.deepEqual(comparisons, []);
  const page = readFileSync((await run(job)).files.report.from, 'utf8').replace(/\s+/g, ' ');
  for (const text of [
    '24 scored slides (8 lung, 8 skin, 8 thyroid) · 1 repeat of 2 folds',
    'There are no tests: DeLong’s test compares AUCs of two classes.',
    'the most probable class is called',
    'ROC curves are drawn for two classes',
    'called thyroid',
    'A slide is wrong if another class is the most probable one.',
  ]) {
    assert.ok(page.includes(text), `"${text}" is missing`);
  }
  for (const text of [
    'Specificity',
    'AUC of pooled scores',
    '>Threshold<',
    'threshold of its fold',
    'honest threshold',
    'honest:',
  ]) {
    assert.ok(!page.includes(text), `"${text}" says nothing about three classes`);
  }
  const [metrics] = /aria-label="Metrics">.*?<\/table>/.exec(page) ?? [''];
  assert.equal(metrics.match(/<tr/g)?.length, 3, 'a header, and one row per model');
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
});
