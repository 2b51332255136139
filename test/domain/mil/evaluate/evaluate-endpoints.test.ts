import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  readRegressionPredictions,
  readSurvivalPredictions,
} from '../../../../domain/mil/cohort/endpoint-predictions.js';
import { openBackend } from '../../../../domain/mil/compute/backend.js';
import { run as evaluate } from '../../../../domain/mil/evaluate/evaluate.js';
import type { EvaluateWith } from '../../../../domain/mil/evaluate/parameters.js';
import { readClassMetrics, readMetricsFile } from '../../../../domain/mil/evaluate/read-metrics-file.js';
import { formatSplits, readSplits } from '../../../../domain/mil/split/splits.js';
import type { Target } from '../../../../domain/mil/targets/target.js';
import { scaleOf } from '../../../../domain/mil/combine/ensemble.js';
import { harrellConcordance } from '../../../../domain/statistics/survival/concordance.js';
import {
  checkpointPath,
  COX,
  HAZARD,
  makeEndpointCohort,
  TRAINING_RISKS,
  VALUE,
  writeRandomCheckpoint,
} from '../endpoint-cohort.js';
import { makeCohort, type Cohort } from '../cohort.js';
import { hasCode, inputFile, makeJob, temporaryFolder } from '../support.js';

type Test = { after(done: () => void): void };

async function evaluated(
  t: Test,
  cohort: Cohort,
  target: Target,
  changes: Partial<EvaluateWith> = {},
  training: Parameters<typeof writeRandomCheckpoint>[2] = {},
) {
  await openBackend('tensorflow');
  const checkpoint = await writeRandomCheckpoint(
    checkpointPath(cohort.work, target.endpoint),
    target,
    training,
  );
  const parameters: EvaluateWith = {
    ...{ checkpoint, bags: cohort.bags, splits: inputFile(cohort.splits.path), set: 'test' },
    ...{ protocol: 'honest', threshold: 'validation', ordered: false, bootstrap: 20, backend: 'tensorflow' },
    ...changes,
  };
  const job = makeJob(t, parameters, { name: 'abmil-0-0' });
  const { files, values } = await evaluate({ ...job, work: cohort.work });
  return { files, values, logged: job.logged, metrics: readMetricsFile(files.metrics.from) };
}

for (const [head, target] of [
  ['hazard', HAZARD],
  ['cox', COX],
] as const) {
  // prettier-ignore
  test(`a fold of survival (${head}) is scored by its test slides and training patients`, async (t) => {
    const cohort = makeEndpointCohort(temporaryFolder(t), 'survival');
    const { metrics, files, values, logged } = await evaluated(t, cohort, target);
    assert.ok(metrics.endpoint === 'survival');
    const rows = readSurvivalPredictions(files.predictions.from);
    assert.deepEqual(rows.map(({ key }) => key), cohort.keys.slice(12)); // prettier-ignore
    assert.deepEqual([rows[0].patient, rows[0].time, rows[0].event], ['P6', 11, 1]);
    const followUp = { times: rows.map(({ time }) => time), events: rows.map(({ event }) => event) };
    const risks = rows.map(({ risk }) => risk);
    assert.equal(metrics.scores.concordance, harrellConcordance(followUp, risks).cindex.value);
    assert.ok(metrics.scores.integrated_brier !== null && metrics.scores.integrated_brier > 0);
    assert.ok(metrics.curve.length > 1 && metrics.curve.every(({ auc, brier }) => auc !== null && brier !== null));
    assert.deepEqual([metrics.risk_groups?.threshold, metrics.risk_groups?.threshold_from], [-0.75, 'median risk of 8 training patients']); // prettier-ignore
    const { mean, deviation } = scaleOf(TRAINING_RISKS.risks);
    for (const { risk, standardizedRisk, group } of rows) {
      assert.equal(standardizedRisk, (risk - mean) / deviation);
      assert.equal(group, risk > -0.75 ? 'high' : 'low');
    }
    if (head === 'hazard') assert.ok(risks.every((risk) => risk < 0 && risk > -4), 'minus the sum of survival'); // prettier-ignore
    assert.deepEqual(Object.keys(values ?? {}), ['concordance', 'events', 'slides', 'set']);
    assert.match(logged.join('\n'), /warn 4 patients have several slides and count once per slide: P6, P7/);
    const kept = JSON.stringify(metrics.training);
    assert.doesNotMatch(kept, /risks/, 'the risks of the training patients stay in the checkpoint');
  });
}

test('patients of a survival fold count once, by the mean or the maximum of their slides', async (t) => {
  const cohort = makeEndpointCohort(temporaryFolder(t), 'survival');
  const slides = readSurvivalPredictions((await evaluated(t, cohort, HAZARD)).files.predictions.from);
  const { metrics, files, values, logged } = await evaluated(t, cohort, HAZARD, { level: 'patient' });
  assert.ok(metrics.endpoint === 'survival');
  assert.deepEqual([metrics.level, metrics.slides], ['patient', 4]);
  assert.deepEqual([values?.patients, values?.slides], [4, 8]);
  const [first] = readSurvivalPredictions(files.predictions.from);
  assert.deepEqual([first.key, first.slides], ['P6', 2]);
  assert.ok(Math.abs(first.risk - (slides[0].risk + slides[1].risk) / 2) < 1e-12);
  assert.doesNotMatch(logged.join('\n'), /several slides/);
  const most = await evaluated(t, cohort, HAZARD, { level: 'patient', patientScore: 'max' });
  const [highest] = readSurvivalPredictions(most.files.predictions.from);
  assert.equal(highest.risk, Math.max(slides[0].risk, slides[1].risk));
});

test('a fold of regression is scored by its values; a level that needs patients asks for them', async (t) => {
  const cohort = makeEndpointCohort(temporaryFolder(t), 'regression');
  const { metrics, files, values } = await evaluated(t, cohort, VALUE);
  assert.ok(metrics.endpoint === 'regression');
  const rows = readRegressionPredictions(files.predictions.from);
  const absolute = rows.map(({ value, predicted }) => Math.abs(predicted - value));
  const mae = absolute.reduce((sum, one) => sum + one, 0) / rows.length;
  assert.ok(Math.abs((metrics.scores.mae ?? NaN) - mae) < 1e-12);
  assert.deepEqual(Object.keys(values ?? {}), ['rmse', 'r2', 'slides', 'set']);
  await assert.rejects(
    evaluated(t, cohort, VALUE, { level: 'patient' }),
    hasCode('InvalidInput', /needs the patient of each slide.*no patient for 8 slides: slide-12/),
  );
});

test('parameters of a classification are refused by name for survival and regression', async (t) => {
  const cohort = makeEndpointCohort(temporaryFolder(t), 'survival');
  const refused = (changes: Partial<EvaluateWith>, message: RegExp) =>
    assert.rejects(evaluated(t, cohort, HAZARD, changes), hasCode('InvalidInput', message));
  await refused({ threshold: 0.4 }, /`threshold: 0\.4` has no meaning for survival.*median risk/);
  await refused({ protocol: 'paper' }, /`protocol: paper` has no meaning for survival/);
  await refused({ ordered: true }, /`ordered` has no meaning for survival/);
  await refused({ level: 'patient', patientScore: 'noisy-or' }, /`patient-score: noisy-or` has no meaning/);
  await assert.rejects(
    evaluated(t, cohort, VALUE),
    hasCode('InvalidInput', /different targets; expected survival of os_months; found regression of her2/),
  );
  await assert.rejects(
    evaluated(t, cohort, COX, {}, { survival: { times: [1], events: [1], risks: [] } }),
    hasCode('InvalidInput', /invalid risks of the training patients/),
  );
  const { files } = await evaluated(t, cohort, COX);
  assert.throws(() => readClassMetrics(files.metrics.from), hasCode('InvalidInput', /endpoint survival/));
});

test('a test set without an event is scored with the reasons, and equal risks make no groups', async (t) => {
  const cohort = makeEndpointCohort(temporaryFolder(t), 'survival');
  const splits = readSplits(cohort.splits.path);
  const followUp = Object.entries(splits.followUp ?? {}).map(
    ([key, one]) => [key, { ...one, event: 0 }] as const,
  );
  writeFileSync(cohort.splits.path, formatSplits({ ...splits, followUp: Object.fromEntries(followUp) })); // prettier-ignore
  const { metrics, values } = await evaluated(t, cohort, HAZARD);
  assert.ok(metrics.endpoint === 'survival');
  assert.deepEqual(
    [values?.concordance, values?.events, metrics.undefined.concordance],
    [null, 0, 'no event'],
  );
});

test('patients of a classification fold are scored once, and two labels of one are refused by name', async (t) => {
  const cohort = makeCohort(temporaryFolder(t));
  const target: Target = { endpoint: 'classification', classes: ['normal', 'tumor'] };
  const splits = readSplits(cohort.splits.path);
  const write = (groups: (i: number) => string) => {
    const named = Object.fromEntries(cohort.keys.map((key, i) => [key, groups(i)]));
    writeFileSync(cohort.splits.path, formatSplits({ ...splits, groups: named }));
  };
  write((i) => `Q${Math.floor(i / 2) % 5}${i % 2}`);
  const { metrics, files, values } = await evaluated(t, cohort, target, { level: 'patient' });
  assert.ok(metrics.endpoint === 'classification');
  assert.deepEqual([metrics.level, metrics.slides, metrics.counts], ['patient', 2, { normal: 1, tumor: 1 }]);
  assert.deepEqual([values?.patients, values?.slides], [2, 4]);
  assert.match(readFileSync(files.predictions.from, 'utf8'), /^patient_id,slides,label,.*\nQ40,2,normal,/);
  write((i) => `Q${Math.floor(i / 2) % 5}`);
  await assert.rejects(
    evaluated(t, cohort, target, { level: 'patient' }),
    hasCode('InvalidInput', /1 patient has slides with different labels.*Q4 \(normal, tumor\)/),
  );
});
