import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ItemRecord } from '../../../../domain/job.js';
import { readReport, run } from '../../../../domain/pipeline/report/report.js';
import type { TrainingCurves } from '../../../../domain/pipeline/report/data/report-data.js';
import { trainingSection } from '../../../../domain/pipeline/report/sections/training-section.js';
import { harrellConcordance } from '../../../../domain/statistics/survival/concordance.js';
import { kaplanMeier } from '../../../../domain/statistics/survival/kaplan-meier.js';
import { inputFile, makeJob, temporaryFolder } from '../../mil/support.js';
import { regressionItems, SMALL_ENDPOINT, survivalItems } from './endpoints.js';
import { writeRecords } from './support.js';

function jobOf(t: Parameters<typeof makeJob>[0], work: string, items: ItemRecord[]) {
  const evaluations = inputFile(writeRecords(work, 'evaluate.jsonl', items));
  return makeJob(t, { evaluations, groupBy: 'model', compare: 'all' as const }, { work, name: 'report' });
}

function pageOf(path: string): string {
  return readFileSync(path, 'utf8').replace(/\s+/g, ' ');
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

test('survival is pooled by patient on standardized risks, and its page has curves, tests and thresholds', async (t) => {
  const work = temporaryFolder(t);
  const job = jobOf(t, work, survivalItems(work));
  const { survival, rows, evaluations } = await readReport(job);
  assert.ok(survival);
  assert.deepEqual(rows, []);
  assert.equal(evaluations.length, 12);
  const [, abmil] = survival.rows;
  assert.equal(abmil.group, 'abmil');
  const folds = survival.folds.filter(({ group }) => group === 'abmil');
  assert.equal(
    abmil.patients,
    new Set(folds.flatMap(({ outcomes }) => outcomes.map((one) => one.patient))).size,
  );
  assert.ok(abmil.patients < abmil.scored);
  const concordances = folds.map(({ metrics }) => metrics.scores.concordance ?? NaN);
  assert.ok(Math.abs((abmil.scores.concordance.folds?.mean ?? 0) - mean(concordances)) < 1e-12);

  // Independently of the pooling code: one row per patient, mean of the standardized risks of its slides.
  const pooled = [0, 1].map((repeat) => {
    const slides = folds
      .filter(({ metrics }) => metrics.repeat === repeat)
      .flatMap(({ outcomes }) => outcomes);
    const patients = [...new Set(slides.map(({ patient }) => patient))].map((patient) => {
      const own = slides.filter((slide) => slide.patient === patient);
      return { ...own[0], risk: mean(own.map(({ standardizedRisk }) => standardizedRisk ?? NaN)) };
    });
    const followUp = { times: patients.map(({ time }) => time), events: patients.map(({ event }) => event) };
    return harrellConcordance(followUp, patients.map(({ risk }) => risk)).cindex.value ?? NaN; // prettier-ignore
  });
  const { concordance, concordance_uno: uno, mean_auc: area } = abmil.pooled ?? {};
  assert.ok(Math.abs((concordance?.spread?.mean ?? 0) - mean(pooled)) < 1e-12);
  assert.ok(
    concordance?.interval &&
      concordance.interval.low < mean(pooled) &&
      mean(pooled) < concordance.interval.high,
  );
  assert.ok(uno?.spread && area?.spread);
  assert.ok(!Object.hasOwn(abmil.pooled ?? {}, 'integrated_brier'), 'needs curves');

  const [simlpCurves, curves] = survival.curves;
  assert.equal(simlpCurves.group, 'simlp');
  assert.equal(curves.times.high.length + curves.times.low.length, abmil.patients);
  assert.equal(curves.high[0].atRisk, curves.times.high.length);
  assert.ok(curves.logRank && curves.logRank.p < 0.001);
  const lastHigh = kaplanMeier({ times: curves.times.high, events: curves.times.high.map(() => 1) });
  assert.equal(lastHigh.at(-1)?.time, curves.high.at(-1)?.time);

  const [comparison] = survival.tests;
  assert.deepEqual([comparison.a, comparison.b, comparison.metric], ['simlp', 'abmil', 'concordance']);
  assert.ok(comparison.difference < 0 && comparison.p < 0.05 && comparison.interval.high < 0);
  const page = pageOf((await run(job)).files.report.from);
  for (const text of [
    'id="survival"',
    'Concordance (Harrell)',
    'Concordance (Uno)',
    'Integrated Brier',
    'each by how far its risk lies above or below the risks of the training patients of its fold',
    'from its training patients only',
    'Survival of high and low risk by abmil',
    'At risk',
    'log-rank p &lt; 0.001',
    'AUC over time of simlp, abmil',
    'with the event; time: os_months',
    'Paired bootstrap of the difference of the pooled concordance',
  ])
    assert.ok(page.includes(text), `"${text}" is missing`);
  for (const text of ['No fold contains slides of both classes', 'id="roc"', 'id="errors"', 'Youden'])
    assert.ok(!page.includes(text), `"${text}" belongs to classification`);
});

test('regression is pooled with the patient as sampling unit, and its page has a scatter with the identity', async (t) => {
  const work = temporaryFolder(t);
  const job = jobOf(t, work, regressionItems(work));
  const { regression, survival } = await readReport(job);
  assert.equal(survival, null);
  assert.ok(regression);
  const [simlp, abmil] = regression.rows;
  const errors = (group: string) =>
    [0, 1].map((repeat) => {
      const folds = regression.folds.filter((fold) => fold.group === group && fold.metrics.repeat === repeat);
      return Math.sqrt(
        mean(folds.flatMap(({ outcomes }) => outcomes.map((one) => (one.predicted - one.value) ** 2))),
      );
    });
  assert.ok(Math.abs((abmil.pooled?.rmse?.spread?.mean ?? 0) - mean(errors('abmil'))) < 1e-9);
  assert.ok((abmil.pooled?.r2?.spread?.mean ?? 0) > (simlp.pooled?.r2?.spread?.mean ?? 1));
  const [comparison] = regression.tests;
  assert.equal(comparison.metric, 'rmse');
  assert.ok(comparison.difference > 0 && comparison.p < 0.05, 'the first model has the larger error');
  assert.equal(regression.scatters[1].points.length, SMALL_ENDPOINT.slides);
  const page = pageOf((await run(job)).files.report.from);
  for (const text of [
    'id="regression"',
    'hrd_score, true',
    'hrd_score, predicted',
    'class="chance"',
    'R²',
    'lower is better',
  ])
    assert.ok(page.includes(text), `"${text}" is missing`);
});

test('metrics.json has the scores of survival and regression beside those of classes', async (t) => {
  const work = temporaryFolder(t);
  const { files, values } = await run(jobOf(t, work, survivalItems(work)));
  const summary = JSON.parse(readFileSync(files.metrics.from, 'utf8')) as {
    groups: { group: string; endpoint: string; scores: Record<string, object> }[];
    folds: { scores: { concordance: number } }[];
    endpoint_comparisons: { p_holm: number }[];
    risk_groups: { log_rank: { p: number } }[];
  };
  assert.deepEqual(
    summary.groups.map(({ group, endpoint }) => [group, endpoint]),
    [
      ['simlp', 'survival'],
      ['abmil', 'survival'],
    ],
  );
  assert.equal(summary.folds.length, 12);
  assert.equal(summary.endpoint_comparisons.length, 1);
  assert.ok(summary.risk_groups[1].log_rank.p < 0.001);
  assert.deepEqual(Object.keys(values?.concordance as object), ['simlp', 'abmil']);
});

test('risks without the scale of their training are not pooled, and the report says why', async (t) => {
  const work = temporaryFolder(t);
  const one = { ...SMALL_ENDPOINT, skills: { abmil: 1 }, repeats: 1, folds: 2 };
  const items = survivalItems(work, one, { scale: false });
  const page = pageOf((await run(jobOf(t, work, items))).files.report.from);
  assert.match(page, /not pooled: the training risks are not known/);
});

test('training curves show the score by which the epoch was chosen, with its direction and the epoch kept', () => {
  const none = { valLoss: null, valAuc: null, valConcordance: null, valRmse: null };
  const history = (score: 'valConcordance' | 'valRmse') =>
    [3, 1, 2].map((value, i) => ({ epoch: i + 1, loss: 1, ...none, [score]: value / 4 }));
  const curves = (group: string, score: 'valConcordance' | 'valRmse'): TrainingCurves => ({
    ...{ group, missing: 0 },
    folds: [{ cell: `${group}-0-0`, history: history(score), epoch: 2 }],
  });
  const page = trainingSection([curves('cox', 'valConcordance'), curves('huber', 'valRmse')]).markup;
  assert.equal(page.match(/Validation concordance of cox/g)?.length, 2, 'a title and a label, in one chart');
  assert.equal(page.match(/Validation RMSE \(lower is better\) of huber/g)?.length, 2);
  assert.ok(!page.includes('Validation AUC') && !page.includes('Validation RMSE (lower is better) of cox'));
  assert.ok(page.includes('huber-0-0: epoch 2'));
});
