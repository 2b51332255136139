import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCsv } from '../../../../domain/files/csv.js';
import { formatEnsembleFile, type EnsembleFile } from '../../../../domain/mil/cohort/ensemble-file.js';
import { checkEvaluate } from '../../../../domain/mil/evaluate/check-evaluate.js';
import { run as evaluate } from '../../../../domain/mil/evaluate/evaluate.js';
import { findEvaluateFaults } from '../../../../domain/mil/evaluate/find-faults.js';
import { readClassMetrics } from '../../../../domain/mil/evaluate/read-metrics-file.js';
import type { EvaluateWith } from '../../../../domain/mil/evaluate/parameters.js';
import { delongPair } from '../../../../domain/statistics/delong.js';
import { endpointOracle } from '../../../support/endpoints.js';
import { hasCode, inputFile, makeJob, temporaryFolder } from '../support.js';

type Test = { after(done: () => void): void };

/** The part of the oracle with two classes. */
interface Binary {
  labels: number[];
  site: string[];
  pooled_threshold: number;
  mean_threshold: number;
  validation: { labels: number[]; logits: number[][] }[];
  mean_of_probabilities: {
    score: number[];
    at_pooled_threshold: Record<string, number>;
    by_site: Record<string, Record<string, number | null>>;
  };
}

const [oracle] = (endpointOracle('ensemble') as { cases: [Binary] }).cases;
const CLASSES = ['normal', 'tumor'];
const scores = oracle.mean_of_probabilities.score;

function write(t: Test, name: string, lines: readonly string[]) {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, lines.join('\n'));
  return inputFile(path);
}

const predictionsOf = (t: Test, change = (line: string) => line, name = 'other-tool.csv') =>
  write(t, name, [
    'slide_id,prob_normal,prob_tumor',
    ...scores.map((score, i) => change(`s${i},${1 - score},${score}`)),
  ]);
const labelsOf = (t: Test, change = (line: string) => line, header = 'slide_id,label,hospital,patient_id') =>
  write(t, 'labels.csv', [
    header,
    ...oracle.labels.map((label, i) => change(`s${i}.svs,${CLASSES[label]},${oracle.site[i]},P${i}`)),
  ]);

function ensembleOf(t: Test, changes: Partial<EnsembleFile> = {}) {
  const softmax = ([a, b]: number[]) => [1 / (1 + Math.exp(b - a)), 1 / (1 + Math.exp(a - b))];
  const ensemble: EnsembleFile = {
    ...{ ensemble: 2, model: 'abmil', combine: 'probabilities' },
    target: { endpoint: 'classification', classes: CLASSES },
    checkpoints: oracle.validation.map(({ labels, logits }, fold) => ({
      ...{ name: `abmil-0-${fold}`, digest: 'sha256:0', repeat: 0, fold, seed: 1 },
      validation: { labels, probabilities: logits.map(softmax) },
    })),
    threshold: { value: oracle.pooled_threshold, from: 'Youden' },
    ...{ level: 'slide', patient_score: 'mean' },
    ...changes,
  };
  return write(t, 'ensemble.json', [formatEnsembleFile(ensemble)]);
}

const evaluateWith = (changes: Partial<EvaluateWith>): EvaluateWith => ({
  set: 'test',
  protocol: 'honest',
  threshold: 'validation',
  ordered: false,
  bootstrap: 20,
  backend: 'auto',
  ...changes,
});
const score = async (t: Test, changes: Partial<EvaluateWith>) => {
  const job = makeJob(t, evaluateWith(changes), { name: 'cohort' });
  const { files, values } = await evaluate(job);
  return { files, values, metrics: readClassMetrics(files.metrics.from), logged: job.logged };
};

test('predictions are scored with the threshold locked at training, as in the oracle, and per site', async (t) => {
  const given = { predictions: predictionsOf(t), labels: labelsOf(t), siteColumn: 'hospital' };
  const { files, metrics } = await score(t, { ...given, ensemble: ensembleOf(t) });
  const { honest } = metrics.protocols;
  const expected = oracle.mean_of_probabilities.at_pooled_threshold;
  assert.equal(honest.threshold, oracle.pooled_threshold);
  assert.equal(honest.threshold_from, 'locked before: Youden');
  assert.equal(honest.accuracy, expected.accuracy);
  assert.deepEqual([metrics.set, metrics.model, metrics.slides], ['external', 'abmil', scores.length]);
  for (const { values: row } of readCsv(files.sites.from).rows) {
    const site = oracle.mean_of_probabilities.by_site[row.site];
    assert.ok(Math.abs(Number(row.accuracy) - Number(site.accuracy)) < 1e-12, row.site);
    if (site.auc === null) assert.equal(row.auc, '', `${row.site} has one class`);
    else assert.ok(Math.abs(Number(row.auc) - Number(site.auc)) < 1e-12, row.site);
  }
  const mean = await score(t, { ...given, ensemble: ensembleOf(t), threshold: 'mean' });
  const near = Math.abs((mean.metrics.protocols.honest.threshold ?? NaN) - oracle.mean_threshold);
  assert.ok(near < 1e-12);
});

test('predictions of another tool have a stated threshold, or 0.5 that is said to be fixed', async (t) => {
  const given = { predictions: predictionsOf(t), labels: labelsOf(t) };
  const half = (await score(t, given)).metrics;
  assert.equal(half.model, 'other-tool');
  assert.match(
    half.protocols.honest.threshold_from,
    /fixed at 0\.5: the checkpoints store no validation scores/,
  );
  const stated = (await score(t, { ...given, threshold: 0.3 })).metrics.protocols.honest;
  assert.deepEqual([stated.threshold, stated.threshold_from], [0.3, 'locked before: given: 0.3']);
  await assert.rejects(
    score(t, { ...given, threshold: 'mean' }),
    hasCode('InvalidInput', /no threshold for `threshold: mean`/),
  );
});

test('two models on the same slides are compared by DeLong, and other slides are refused', async (t) => {
  const other = predictionsOf(t, (line) => line.replace(/,([^,]+),([^,]+)$/, ',$2,$1'), 'second.csv');
  const given = { predictions: predictionsOf(t), labels: labelsOf(t) };
  const { files } = await score(t, { ...given, compareWith: [other] });
  const [{ values: row }] = readCsv(files.comparisons.from).rows;
  const expected = delongPair(scores, scores.map((one) => 1 - one), oracle.labels); // prettier-ignore
  assert.deepEqual(
    [row.model, row.other, Number(row.difference), Number(row.p)],
    ['other-tool', 'second', expected.difference, expected.pTwoSided],
  );
  const fewer = write(t, 'fewer.csv', readFileSync(other.path, 'utf8').split('\n').slice(0, -1));
  await assert.rejects(
    score(t, { ...given, compareWith: [fewer], unmatched: 'drop' }),
    hasCode('InvalidInput', /predict different slides.*1 only of other-tool, 0 only of fewer/),
  );
});

test('patients are scored by their slides; patients with two labels are refused by name', async (t) => {
  const header = 'slide_id,label,hospital,patient_id';
  const rows = oracle.labels.map((label, i) => ({ label, i }));
  const pairs = (label: number) => rows.filter((row) => row.label === label);
  const patient = new Map(
    [0, 1].flatMap((label) => pairs(label).map(({ i }, n) => [i, `Q${label}${n >> 1}`])),
  );
  const labels = labelsOf(t, (line) => line.replace(/^s(\d+)(.*)P\d+$/, (_, i: string, rest: string) => `s${i}${rest}${patient.get(Number(i))}`), header); // prettier-ignore
  const given = { predictions: predictionsOf(t), level: 'patient' } as const;
  const { metrics, files } = await score(t, { ...given, labels, patientScore: 'max' });
  assert.equal(metrics.slides, new Set(patient.values()).size);
  const first = readCsv(files.predictions.from).rows[0].values;
  const own = [...patient].filter(([, name]) => name === first.patient_id).map(([i]) => scores[i]);
  assert.equal(Number(first.prob_tumor), Math.max(...own));
  const mixed = labelsOf(t, (line) => line.replace(/P\d+$/, 'X'));
  await assert.rejects(
    score(t, { ...given, labels: mixed }),
    hasCode(
      'InvalidInput',
      /1 patient has slides with different labels.*X \((normal, tumor|tumor, normal)\)/,
    ),
  );
});

test('faults of predictions and labels are named before anything is scored, and at plan', async (t) => {
  const cases: [string, Partial<EvaluateWith>, RegExp][] = [
    [
      'sum',
      { predictions: predictionsOf(t, (line) => line.replace(/^s3,[^,]+/, 's3,0.9')), labels: labelsOf(t) },
      /do not add up to 1.*line 5 "s3": 0\.9 \+/,
    ],
    [
      'logits',
      { predictions: predictionsOf(t, (line) => line.replace(/^s3,[^,]+/, 's3,-2')), labels: labelsOf(t) },
      /add up.*line 5 "s3": -2,/,
    ],
    [
      'twice',
      { predictions: predictionsOf(t, (line) => line.replace(/^s4,/, 's3,')), labels: labelsOf(t) },
      /more than once.*"s3" \(lines 5, 6\)/,
    ],
    [
      'unknown slide',
      { predictions: predictionsOf(t, (line) => line.replace(/^s4,/, 'z4,')), labels: labelsOf(t) },
      /different slides.*no row for 1 of the predictions: z4.*name none of the predictions: s4\.svs/,
    ],
    [
      'class of the labels',
      { predictions: predictionsOf(t), labels: labelsOf(t, (line) => line.replace('normal', 'benign')) },
      /does not have these classes.*benign/,
    ],
    [
      'class of the predictions',
      {
        predictions: predictionsOf(t),
        labels: labelsOf(t),
        ensemble: ensembleOf(t, { target: { endpoint: 'classification', classes: ['a', 'b'] } }),
      },
      /other classes; expected prob_a, prob_b; found prob_normal, prob_tumor/,
    ],
    ['no labels', { predictions: predictionsOf(t) }, /no column of labels/],
    [
      'no label',
      { predictions: predictionsOf(t), labels: labelsOf(t, (line) => line.replace(/normal|tumor/, '')) },
      /none of the \d+ predicted slides has a label/,
    ],
    [
      'column',
      { predictions: predictionsOf(t), labels: labelsOf(t), siteColumn: 'centre' },
      /no column "centre", which `site-column` names/,
    ],
  ];
  for (const [name, changes, message] of cases) {
    await assert.rejects(score(t, changes), hasCode('InvalidInput', message), name);
    const { predictions, labels, ensemble, siteColumn } = changes;
    const given = {
      ...(predictions && { predictions: predictions.path }),
      ...(labels && { labels: labels.path }),
      ...(ensemble && { ensemble: ensemble.path }),
      ...(siteColumn !== undefined && { 'site-column': siteColumn }),
      threshold: 'validation',
    };
    assert.throws(
      () => checkEvaluate({ with: given, unknown: new Set() }),
      hasCode('InvalidInput', message),
      name,
    );
  }
});

test('a step scores either a fold or predictions', () => {
  const names = (given: Record<string, string>) =>
    findEvaluateFaults(given).map(({ parameter }) => parameter);
  assert.deepEqual(names({ predictions: 'p.csv' }), []);
  assert.deepEqual(names({ checkpoint: 'c', bags: 'b', splits: 's' }), []);
  assert.deepEqual(names({ checkpoint: 'c' }), ['bags', 'splits']);
  assert.deepEqual(names({ checkpoint: 'c', predictions: 'p.csv' }), ['checkpoint']);
  assert.deepEqual(names({ checkpoint: 'c', bags: 'b', splits: 's', labels: 'l.csv' }), ['labels']);
});
