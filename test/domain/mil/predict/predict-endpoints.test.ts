import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCsv } from '../../../../domain/files/csv.js';
import { jsonLines } from '../../../../domain/json.js';
import { readEnsembleFile } from '../../../../domain/mil/cohort/ensemble-file.js';
import { openBackend } from '../../../../domain/mil/compute/backend.js';
import { checkPredict } from '../../../../domain/mil/predict/check-predict.js';
import type { PredictWith } from '../../../../domain/mil/predict/parameters.js';
import { run as predict } from '../../../../domain/mil/predict/predict.js';
import type { HazardTarget, Target } from '../../../../domain/mil/targets/target.js';
import {
  checkpointPath,
  COX,
  HAZARD,
  makeEndpointCohort,
  patientOf,
  TRAINING_RISKS,
  VALUE,
  writeRandomCheckpoint,
} from '../endpoint-cohort.js';
import { hasCode, inputFile, makeJob, temporaryFolder } from '../support.js';

type Test = { after(done: () => void): void };

/** Checkpoints of folds 0, 1, ... of these targets, and a job that predicts with them. */
async function ensemble(
  t: Test,
  targets: readonly Target[],
  changes: Partial<PredictWith> = {},
  training: readonly Parameters<typeof writeRandomCheckpoint>[2][] = [],
) {
  await openBackend('tensorflow');
  const cohort = makeEndpointCohort(temporaryFolder(t), 'survival');
  const { work, keys } = cohort;
  const files: string[] = [];
  for (const [fold, target] of targets.entries()) {
    const path = checkpointPath(work, `fold-${fold}`);
    await writeRandomCheckpoint(path, target, { fold, ...training[fold] }, fold);
    files.push(path);
  }
  const items = files.map((path, fold) => ({
    ...{ key: `abmil-0-${fold}`, fields: {}, status: 'done' },
    outputs: { checkpoint: { path, digest: inputFile(path).digest, bytes: 1 } },
  }));
  writeFileSync(join(work, 'train.jsonl'), jsonLines(items));
  const labels = join(work, 'patients.csv');
  writeFileSync(
    labels,
    ['slide_id,patient_id', ...keys.map((key, i) => `${key},${patientOf(i)}`)].join('\n'),
  );
  const parameters: PredictWith = {
    ...{ checkpoints: inputFile(join(work, 'train.jsonl')), bags: cohort.bags, labels: inputFile(labels) },
    ...{ combine: 'probabilities', level: 'slide', patientScore: 'mean', mismatch: 'error' },
    ...{ attention: false, topPatches: 3, backend: 'tensorflow', ...changes },
  };
  const step = {
    with: { ...kebab(parameters), labels },
    unknown: new Set(['bags', 'checkpoints']),
    items: { checkpoints: files.map((path) => ({ key: path, path })) },
  };
  return { job: makeJob(t, parameters, { work }), step };
}

const kebab = ({ combine, level, patientScore, threshold }: PredictWith) => ({
  ...{ combine, level, 'patient-score': patientScore },
  ...(threshold !== undefined && { threshold }),
});

test('patients get one risk each, whose groups follow the training risks of all folds', async (t) => {
  const { job, step } = await ensemble(t, [HAZARD, HAZARD], { level: 'patient', attention: true });
  const { files, values } = await predict(job);
  const slides = readCsv(files.predictions.from).rows.map(({ values: row }) => row);
  const patients = readCsv(files['patient-predictions'].from);
  assert.deepEqual(patients.columns, ['patient_id', 'slides', 'risk', 'spread', 'group']);
  const [first] = patients.rows.map(({ values: row }) => row);
  assert.deepEqual([first.patient_id, first.slides, values?.patients], ['P0', '2', 10]);
  const mean = (Number(slides[0].risk) + Number(slides[1].risk)) / 2;
  assert.ok(Math.abs(Number(first.risk) - mean) < 1e-12);
  assert.deepEqual([values?.endpoint, values?.threshold], ['survival', -0.75]);
  const { target, checkpoints, threshold } = readEnsembleFile(files.ensemble.from);
  assert.deepEqual(target, { endpoint: 'survival', head: 'hazard', time: 'os_months' });
  assert.deepEqual(checkpoints[0].training_risks, TRAINING_RISKS);
  assert.deepEqual(threshold, { value: -0.75, from: 'median risk of 16 training patients of 2 checkpoints' });
  assert.equal(readCsv(files['top-patches'].from).rows.length, 60);
  const { found } = checkPredict(step);
  assert.equal(found?.[0], '2 checkpoints of abmil (survival by os_months), threshold -0.75: median risk of 16 training patients of 2 checkpoints'); // prettier-ignore
});

test('values of patients are the mean of their slides, and nothing is called', async (t) => {
  const { job } = await ensemble(t, [VALUE, VALUE], { level: 'patient' });
  const { files, values } = await predict(job);
  const slides = readCsv(files.predictions.from);
  assert.deepEqual(slides.columns, ['slide_id', 'patient', 'predicted', 'spread']);
  const [first] = readCsv(files['patient-predictions'].from).rows;
  const mean = (Number(slides.rows[0].values.predicted) + Number(slides.rows[1].values.predicted)) / 2;
  assert.ok(Math.abs(Number(first.values.predicted) - mean) < 1e-12);
  assert.equal(values?.threshold, undefined);
});

test('checkpoints of different targets are refused with both values, and bins may differ', async (t) => {
  const later: HazardTarget = {
    endpoint: 'survival',
    head: 'hazard',
    time: 'os_months',
    edges: [11, 19, 33],
  };
  const cases: [readonly Target[], RegExp][] = [
    [[HAZARD, VALUE], /differ in endpoint; expected endpoint survival, as .*endpoint regression in/],
    [[HAZARD, COX], /differ in head; expected head hazard, as .*head cox in/],
    [[COX, { ...COX, time: 'pfs' } as Target], /differ in time; expected time os_months, as .*time pfs in/],
    [[VALUE, { ...VALUE, value: 'er' } as Target], /differ in value; expected value her2, as .*value er in/],
    [
      [HAZARD, { ...later, edges: [9] }],
      /differ in number of time bins; expected number of time bins 4.*bins 2/,
    ],
  ];
  for (const [targets, message] of cases) {
    const { job, step } = await ensemble(t, targets);
    await assert.rejects(predict(job), hasCode('InvalidInput', message));
    assert.throws(() => checkPredict(step), hasCode('InvalidInput', message));
  }
  const { job } = await ensemble(t, [HAZARD, later]);
  assert.equal((await predict(job)).values?.checkpoints, 2);
  const encoders = [{ 'bag-facts': { encoder: ['uni'] } }, { 'bag-facts': { encoder: ['gigapath'] } }];
  const mixed = await ensemble(t, [COX, COX], {}, encoders);
  await assert.rejects(
    predict(mixed.job),
    hasCode('InvalidInput', /differ in encoder; expected encoder uni, as .*encoder gigapath in/),
  );
});

test('what survival and regression do not have is refused by name, also at plan', async (t) => {
  const cases: [readonly Target[], Partial<PredictWith>, RegExp][] = [
    [[HAZARD], { threshold: 0.4 }, /`threshold: 0\.4` has no meaning for survival/],
    [[VALUE], { threshold: 'pooled' }, /`threshold: pooled` has no meaning for regression/],
    [[COX], { combine: 'logits' }, /`combine: logits` has no meaning for survival/],
    [[HAZARD], { patientScore: 'noisy-or' }, /`patient-score: noisy-or` has no meaning for survival/],
    [[VALUE], { patientScore: 'max' }, /`patient-score: max` has no meaning for regression/],
  ];
  for (const [targets, changes, message] of cases) {
    const { job, step } = await ensemble(t, targets, changes);
    await assert.rejects(predict(job), hasCode('InvalidInput', message));
    assert.throws(() => checkPredict(step), hasCode('InvalidInput', message));
  }
  const equal = [{ survival: { times: [1, 2], events: [1, 0], risks: [3, 3] } }];
  const { job } = await ensemble(t, [COX], {}, equal);
  await assert.rejects(
    predict(job),
    hasCode('InvalidInput', /gave all its training patients the same risk; .*2 patients with risk 3/),
  );
});
