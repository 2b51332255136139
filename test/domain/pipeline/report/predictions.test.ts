import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { formatCsv } from '../../../../domain/files/csv.js';
import { disagree } from '../../../../domain/pipeline/report/data/prediction-table.js';
import { readReport, run } from '../../../../domain/pipeline/report/report.js';
import { inputFile, makeJob, temporaryFolder } from '../../mil/support.js';
import { writePredictions, type PredictedFolds } from './predictions.js';
import { fileRef, record, writeRecords } from './support.js';

function jobOf(t: TestContext, work: string, predicted: PredictedFolds) {
  const predictions = inputFile(writeRecords(work, 'predict.jsonl', [writePredictions(work, predicted)]));
  return makeJob(t, { predictions, groupBy: 'model', compare: 'none' as const }, { work, name: 'report' });
}

const TWO: PredictedFolds = {
  classes: ['normal', 'tumor'],
  slides: {
    clear: [0.9, 0.8, 0.95],
    split: [0.7, 0.6, 0.35],
    benign: [0.1, 0.2, 0.05],
  },
};

test('an unlabeled cohort shows its predictions: distribution, calls, spread, and slides on which checkpoints disagree', async (t) => {
  const work = temporaryFolder(t);
  const job = jobOf(t, work, TWO);
  const { predictions, evaluated, title } = await readReport(job);
  assert.equal(evaluated, false);
  assert.equal(title, 'Predictions of abmil for 3 slides');
  const [table] = predictions;
  assert.deepEqual(
    [table.endpoint, table.level, table.columns],
    ['classification', 'slide', ['normal', 'tumor']],
  );
  assert.deepEqual(
    table.rows.map((row) => [row.key, row.called, row.votes?.same, disagree(row)]),
    [
      ['clear', 'tumor', 3, false],
      ['split', 'tumor', 2, true],
      ['benign', 'normal', 3, false],
    ],
  );
  const page = readFileSync((await run(job)).files.report.from, 'utf8').replace(/\s+/g, ' ');
  for (const text of [
    'id="predictions"',
    'Called: 1 normal, 2 tumor.',
    'A probability of tumor of at least 50.0% is called tumor (half).',
    'For 1 slide, at least one checkpoint alone would call otherwise',
    'Probability of tumor',
    'aria-label="Predictions of slides"',
    '2 of 3 <span class="badge warn">disagree</span>',
  ])
    assert.ok(page.includes(text), `"${text}" is missing`);
  for (const text of ['id="result"', 'No evaluation finished', 'No evaluated model'])
    assert.ok(!page.includes(text), `"${text}" says nothing about an unlabeled cohort`);
});

test('patients come before slides, with the label where one is known', async (t) => {
  const work = temporaryFolder(t);
  const item = writePredictions(work, TWO);
  const patients = 'patient_id,slides,label,prob_normal,prob_tumor,spread_normal,spread_tumor,called\n';
  writeFileSync(join(work, 'patients.csv'), `${patients}P1,3,tumor,0.4,0.6,0.1,0.1,tumor\n`);
  const outputs = { ...item.outputs, 'patient-predictions': fileRef(work, 'patients.csv') };
  const records = writeRecords(work, 'predict.jsonl', [record('predict', {}, outputs)]);
  const job = makeJob(
    t,
    { predictions: inputFile(records), groupBy: 'model', compare: 'none' as const },
    { work, name: 'report' },
  );
  const { predictions } = await readReport(job);
  assert.deepEqual(predictions.map(({ level }) => level), ['patient', 'slide']); // prettier-ignore
  assert.deepEqual([predictions[0].rows[0].key, predictions[0].rows[0].label], ['P1', 'tumor']);
});

test('risks and values have their own columns; a checkpoint votes on the scale on which risks are averaged', async (t) => {
  const work = temporaryFolder(t);
  const item = writePredictions(work, TWO);
  mkdirSync(join(work, 'risks'));
  const csv = (name: string, columns: string[], rows: Record<string, string>[]) => {
    writeFileSync(join(work, 'risks', name), formatCsv(columns, rows));
    return fileRef(work, `risks/${name}`);
  };
  const outputs = {
    ...item.outputs,
    predictions: csv(
      'p.csv',
      ['slide_id', 'risk', 'spread', 'group'],
      [{ slide_id: 'a', risk: '0.7', spread: '0.3', group: 'high' }],
    ),
    folds: csv(
      'f.csv',
      ['slide_id', 'checkpoint', 'risk', 'averaged_risk'],
      [
        { slide_id: 'a', checkpoint: 'one', risk: '-9', averaged_risk: '1' },
        { slide_id: 'a', checkpoint: 'two', risk: '9', averaged_risk: '0.4' },
      ],
    ),
  };
  const show = async (predicted: typeof outputs) => {
    const records = writeRecords(work, 'predict.jsonl', [record('predict', {}, predicted)]);
    const parameters = { predictions: inputFile(records), groupBy: 'model', compare: 'none' as const };
    return (await readReport(makeJob(t, parameters, { work, name: 'report' }))).predictions[0];
  };
  const survival = await show(outputs);
  assert.deepEqual([survival.endpoint, survival.rows[0].called], ['survival', 'high']);
  assert.deepEqual(survival.rows[0].votes, { same: 1, all: 2 }, 'the threshold is 0.5');
  const regression = await show({
    ...outputs,
    predictions: csv(
      'v.csv',
      ['slide_id', 'predicted', 'spread'],
      [{ slide_id: 'a', predicted: '12.5', spread: '2' }],
    ),
  });
  assert.deepEqual(
    [regression.endpoint, regression.rows[0].values, regression.rows[0].votes],
    ['regression', [12.5], null],
  );
});
