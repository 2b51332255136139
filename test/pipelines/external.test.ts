import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCsv } from '../../domain/files/csv.js';
import { jsonLines } from '../../domain/json.js';
import { splitItems } from '../../domain/mil/split/split.js';
import { formatSplits } from '../../domain/mil/split/splits.js';
import { run as train } from '../../domain/mil/train-fold/train-fold.js';
import { makeJob, trainWith } from '../domain/mil/cohort.js';
import { inputFile } from '../domain/mil/support.js';
import { TestEngine } from '../support/engine.js';
import { FeatureCohort, slideName } from '../support/feature-cohort.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { planShipped, runShipped } from './run-shipped.js';

const TRAINED = 20;
const EXTERNAL = 6;

/** A work folder with the final models of two seeds, trained on all slides: no fold tests any. */
async function trainFinal(folder: string): Promise<string> {
  mkdirSync(join(folder, 'features'));
  const cohort = new FeatureCohort(join(folder, 'features'), TRAINED);
  const items = cohort.listed.map((key) => ({
    ...{ key, fields: {}, status: 'done' as const },
    outputs: { bag: { ...inputFile(cohort.featuresOf(key)), bytes: 1 } },
  }));
  writeFileSync(join(folder, 'items.jsonl'), jsonLines(items));
  const bags = inputFile(join(folder, 'items.jsonl'));
  const { splits } = splitItems(items, {
    ...{ labels: inputFile(join(folder, 'features', 'labels.csv')), folds: 5, repeats: 1, seed: 1 },
    ...{ valRatio: 0.5, scheme: 'all', match: 'exact', unmatched: 'error' },
  });
  assert.deepEqual(splits.repeats[0].folds[0].test, []);
  writeFileSync(join(folder, 'splits.json'), formatSplits(splits));
  const trained = join(folder, 'study');
  mkdirSync(join(trained, 'train', 'checkpoints'), { recursive: true });
  const files = { bags, splits: inputFile(join(folder, 'splits.json')) };
  for (const seed of [1, 2]) {
    const settings = trainWith({ work: folder, keys: [], ...files }, { seed, epochs: 15, select: 'last' });
    const { files: made } = await train(makeJob(join(folder, `job-${seed}`), folder, settings));
    copyFileSync(made.checkpoint.from, join(trained, 'train', 'checkpoints', `abmil-${seed}.safetensors`));
  }
  return trained;
}

test('external.yaml predicts slides without labels, then scores them as patients when labels arrive', async (t) => {
  const folder = temporaryFolder(t);
  const trained = await trainFinal(folder);
  mkdirSync(join(folder, 'external'));
  const external = new FeatureCohort(join(folder, 'external'), EXTERNAL);
  const names = Array.from({ length: EXTERNAL }, (_, i) => slideName(i));
  const slides = join(external.folder, 'external.csv');
  writeFileSync(slides, ['slide_id,features', ...names.map((name) => `${name},${name}.h5`)].join('\n'));
  const set = {
    ...{ trained, slides, checkpoints: 'train/checkpoints/abmil-*.safetensors' },
    work: join(folder, 'work'),
  };
  const engine = await TestEngine.start({ plugins: [], concurrency: { cpu: 2, gpu: 2 } });
  t.after(() => engine.stop());
  const first = await planShipped('external', set);
  await runShipped(engine, first, 'report');
  const predictions = readCsv(join(first.work, 'predict', 'predictions.csv'));
  assert.deepEqual(predictions.columns, [
    ...['slide_id', 'prob_normal', 'prob_tumor', 'spread_normal', 'spread_tumor', 'called'],
  ]);
  assert.equal(predictions.rows.length, EXTERNAL);
  assert.ok(existsSync(join(first.work, 'predict', 'attention', 'slide_05.h5')));
  assert.ok(existsSync(join(first.work, 'predict', 'top-patches.csv')));
  assert.ok(existsSync(join(first.work, 'report', 'report.html')));
  assert.ok(!existsSync(join(first.work, 'evaluate')), 'nothing to compare with');

  const labels = join(external.folder, 'patients.csv');
  const row = (name: string, i: number) =>
    `${name},${i % 2 ? 'tumor' : 'normal'},P${i >> 2}${i % 2},site ${i >> 2}`;
  writeFileSync(labels, ['slide_id,label,patient_id,site', ...names.map(row)].join('\n'));
  const labeled = { ...set, labels, level: 'patient', 'site-column': 'site' };
  const second = await planShipped('external', labeled);
  const summary = await runShipped(engine, { ...second, name: 'labeled' }, 'report');
  assert.deepEqual(
    summary.groups.map(({ group, optimistic }) => [group, optimistic]),
    [['abmil', false]],
  );
  const patients = readCsv(join(second.work, 'predict', 'patients.csv')).rows;
  assert.deepEqual(
    patients.map(({ values }) => [values.patient_id, values.slides]),
    [...'01'].flatMap((half) => [...'01'].map((label) => [`P${half}${label}`, half === '0' ? '2' : '1'])),
  );
  const scored = readCsv(join(second.work, 'evaluate', 'predictions', 'evaluate.csv')).rows;
  assert.equal(scored.length, patients.length);
});
