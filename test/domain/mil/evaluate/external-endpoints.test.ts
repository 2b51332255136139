import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCsv } from '../../../../domain/files/csv.js';
import { formatEnsembleFile, type EnsembleFile } from '../../../../domain/mil/cohort/ensemble-file.js';
import { readSurvivalPredictions } from '../../../../domain/mil/cohort/endpoint-predictions.js';
import { checkEvaluate } from '../../../../domain/mil/evaluate/check-evaluate.js';
import { run as evaluate } from '../../../../domain/mil/evaluate/evaluate.js';
import { findEvaluateFaults } from '../../../../domain/mil/evaluate/find-faults.js';
import type { EvaluateWith } from '../../../../domain/mil/evaluate/parameters.js';
import { readMetricsFile } from '../../../../domain/mil/evaluate/read-metrics-file.js';
import { regressionMetrics } from '../../../../domain/statistics/regression/regression-metrics.js';
import { harrellConcordance } from '../../../../domain/statistics/survival/concordance.js';
import { endpointOracle } from '../../../support/endpoints.js';
import { hasCode, inputFile, makeJob, temporaryFolder } from '../support.js';

type Test = { after(done: () => void): void };

interface Weighted {
  train_times: number[];
  train_events: number[];
  times: number[];
  events: number[];
  risk: number[];
  harrell: number;
  uno: number;
}
const [oracle] = (endpointOracle('survival-metrics') as { ipcw: [Weighted] }).ipcw;

function write(t: Test, name: string, lines: readonly string[]) {
  const path = join(temporaryFolder(t), name);
  writeFileSync(path, lines.join('\n'));
  return inputFile(path);
}
const risksOf = (
  t: Test,
  change: (risk: number, i: number) => number | string = (risk) => risk,
  name = 'other-tool.csv',
) => write(t, name, ['slide_id,risk', ...oracle.risk.map((risk, i) => `s${i},${change(risk, i)}`)]);
const followUpOf = (t: Test, change = (line: string) => line) =>
  write(t, 'follow-up.csv', [
    'slide_id,os_months,vital_status,hospital,patient_id',
    ...oracle.times.map((time, i) =>
      change(`s${i}.svs,${time},${oracle.events[i] === 1 ? 'Dead' : 'alive'},${i % 3 ? 'A' : 'B'},P${i}`),
    ),
  ]);
const VALUES = oracle.risk.map((risk, i) => 2 * risk + (i % 4) / 10);
const valuesOf = (t: Test) =>
  write(t, 'values.csv', ['slide_id,label,hospital', ...VALUES.map((value, i) => `s${i},${value},${i % 2}`)]);
const predictedOf = (t: Test, shift = 0, name = 'linear.csv') =>
  write(t, name, ['slide_id,predicted', ...oracle.risk.map((risk, i) => `s${i},${2 * risk + shift}`)]);

function ensembleOf(t: Test, head: 'hazard' | 'cox') {
  const ensemble: EnsembleFile = {
    ...{ ensemble: 2, model: 'abmil', target: { endpoint: 'survival', head, time: 'os_months' } },
    combine: 'probabilities',
    checkpoints: [
      {
        ...{ name: 'abmil-0-0', digest: 'sha256:0', repeat: 0, fold: 0, seed: 1, validation: null },
        training_risks: {
          times: oracle.train_times,
          events: oracle.train_events,
          risks: oracle.train_times.map((_, i) => i / 10),
        },
      },
    ],
    threshold: { value: 0, from: 'median' },
    ...{ level: 'slide', patient_score: 'mean' },
  };
  return write(t, 'ensemble.json', [formatEnsembleFile(ensemble)]);
}

const MAPPED = { eventValues: ['dead'], censoredValues: ['alive'] };
const score = async (t: Test, changes: Partial<EvaluateWith>) => {
  const parameters: EvaluateWith = {
    ...{ set: 'test', protocol: 'honest', threshold: 'validation', ordered: false },
    ...{ bootstrap: 30, backend: 'auto', ...changes },
  };
  const job = makeJob(t, parameters, { name: 'cohort' });
  const { files, values } = await evaluate(job);
  return { files, values, metrics: readMetricsFile(files.metrics.from), progressed: job.progressed };
};

test('risks of another tool are scored by concordance, and what needs the training says so', async (t) => {
  const given = { predictions: risksOf(t), labels: followUpOf(t), siteColumn: 'hospital', ...MAPPED };
  const { metrics, files, values } = await score(t, given);
  assert.ok(metrics.endpoint === 'survival');
  assert.ok(Math.abs((metrics.scores.concordance ?? NaN) - oracle.harrell) < 1e-12);
  assert.deepEqual([metrics.model, metrics.set, metrics.head, metrics.time], ['other-tool', 'external', null, 'os_months']); // prettier-ignore
  assert.deepEqual([metrics.risk_groups, metrics.scores.concordance_uno], [null, null]);
  assert.match(metrics.undefined.risk_groups ?? '', /training patients are not known/);
  assert.deepEqual([values?.slides, values?.events], [oracle.times.length, oracle.events.filter((event) => event === 1).length]); // prettier-ignore
  for (const { values: row } of readCsv(files.sites.from).rows) {
    const rows = oracle.risk.flatMap((_, i) => ((i % 3 ? 'A' : 'B') === row.site ? [i] : []));
    const own = { times: rows.map((i) => oracle.times[i]), events: rows.map((i) => oracle.events[i]) };
    const expected = harrellConcordance(own, rows.map((i) => oracle.risk[i])).cindex.value; // prettier-ignore
    assert.equal(Number(row.concordance), expected, row.site);
    assert.ok(Number(row.concordance_low) <= Number(row.concordance_high));
  }
});

test('with an ensemble, threshold, scale and censoring are those of its training patients', async (t) => {
  const given = { predictions: risksOf(t), labels: followUpOf(t), ...MAPPED };
  const { metrics, files } = await score(t, { ...given, ensemble: ensembleOf(t, 'hazard') });
  assert.ok(metrics.endpoint === 'survival');
  assert.ok(Math.abs((metrics.scores.concordance_uno ?? NaN) - oracle.uno) < 1e-9);
  const count = oracle.train_times.length;
  assert.deepEqual(
    [metrics.model, metrics.head, metrics.risk_groups?.threshold, metrics.risk_groups?.threshold_from],
    ['abmil', 'hazard', (count - 1) / 20, `locked before: median risk of ${count} training patients`],
  );
  assert.equal(metrics.undefined.integrated_brier, 'the predictions state risks, not survival curves');
  const [first] = readSurvivalPredictions(files.predictions.from);
  assert.equal(first.group, first.risk > (count - 1) / 20 ? 'high' : 'low');
  const cox = (await score(t, { ...given, ensemble: ensembleOf(t, 'cox') })).metrics;
  assert.ok(cox.endpoint === 'survival' && Math.abs(cox.risk_groups?.threshold ?? 1) < 1e-12, 'standardized');
});

test('two models are compared by a paired bootstrap of concordance or RMSE', async (t) => {
  const given = { predictions: risksOf(t), labels: followUpOf(t), ...MAPPED };
  const reversed = risksOf(t, (risk) => -risk, 'reversed.csv');
  const { files } = await score(t, { ...given, compareWith: [reversed] });
  const [{ values: row }] = readCsv(files.comparisons.from).rows;
  assert.ok(Math.abs(Number(row.difference) - (2 * oracle.harrell - 1)) < 1e-12);
  assert.ok(Number(row.low) < Number(row.difference) && Number(row.difference) < Number(row.high));
  const regression = { predictions: predictedOf(t), labels: valuesOf(t), siteColumn: 'hospital' };
  const shifted = predictedOf(t, 0.5, 'shifted.csv');
  const other = await score(t, { ...regression, compareWith: [shifted] });
  assert.ok(other.metrics.endpoint === 'regression');
  const expected = regressionMetrics(oracle.risk.map((risk) => 2 * risk), VALUES); // prettier-ignore
  assert.equal(other.metrics.scores.rmse, expected.rmse.value);
  assert.equal(other.metrics.value, 'label');
  const [{ values: line }] = readCsv(other.files.comparisons.from).rows;
  assert.equal(Number(line.rmse), expected.rmse.value);
  assert.ok(Number(line.difference) < 0 && Number(line.high) < 0, 'a smaller error than the shifted model');
  assert.deepEqual(readCsv(other.files.sites.from).columns, ['site', 'slides', 'mae', 'rmse', 'rmse_low', 'rmse_high', 'r2']); // prettier-ignore
});

test('patients of a cohort count once, and are counted as patients', async (t) => {
  const patients = followUpOf(t, (line) => {
    const cells = line.split(',');
    const i = Number(cells[0].slice(1, -4));
    const first = i - (i % 2);
    return [
      cells[0],
      oracle.times[first],
      oracle.events[first] === 1 ? 'dead' : 'alive',
      'A',
      `P${first}`,
    ].join(',');
  });
  const given = { predictions: risksOf(t), labels: patients, level: 'patient', ...MAPPED } as const;
  const { metrics, values, files, progressed } = await score(t, { ...given, siteColumn: 'hospital' });
  assert.deepEqual([metrics.slides, values?.patients, values?.slides], [20, 20, 40]);
  assert.equal(progressed.at(-1), 'patients 20/20');
  assert.equal(readCsv(files.sites.from).rows[0].values.patients, '20');
  const [first] = readSurvivalPredictions(files.predictions.from);
  assert.deepEqual([first.key, first.slides, first.risk], ['P0', 2, (oracle.risk[0] + oracle.risk[1]) / 2]);
  const mixed = followUpOf(t, (line) => line.replace(/P1$/, 'P0'));
  await assert.rejects(
    score(t, { ...given, labels: mixed }),
    hasCode('InvalidInput', /patient "P0" has different times or events/),
  );
});

test('faults of risks and follow-up are named before anything is scored, and at plan', async (t) => {
  const cases: [string, Partial<EvaluateWith>, RegExp][] = [
    [
      'text',
      { predictions: risksOf(t, (risk, i) => (i === 3 ? 'high' : risk)), labels: followUpOf(t) },
      /not finite numbers.*line 5 "s3": high/,
    ],
    [
      'no mapping',
      { predictions: risksOf(t), labels: followUpOf(t), eventValues: ['x'] },
      /meaning is not stated/,
    ],
    ['negative', { predictions: risksOf(t), labels: followUpOf(t, (line) => line.replace(/^s4.svs,/, 's4.svs,-')) }, /negative/], // prettier-ignore
    ['threshold', { predictions: risksOf(t), labels: followUpOf(t), threshold: 0.4 }, /`threshold: 0\.4` has no meaning for survival/], // prettier-ignore
    ['noisy-or', { predictions: risksOf(t), labels: followUpOf(t), patientScore: 'noisy-or' }, /no meaning for survival/], // prettier-ignore
    [
      'both',
      { predictions: write(t, 'both.csv', ['slide_id,risk,predicted', 's0,1,2']), labels: followUpOf(t) },
      /a risk and a predicted value/,
    ],
  ];
  for (const [name, changes, message] of cases) {
    const given = { ...MAPPED, ...changes };
    await assert.rejects(score(t, given), hasCode('InvalidInput', message), name);
    const step = {
      predictions: given.predictions?.path ?? '',
      labels: given.labels?.path ?? '',
      threshold: given.threshold ?? 'validation',
      'event-values': given.eventValues as string[],
      'censored-values': given.censoredValues as string[],
      ...(given.patientScore && { 'patient-score': given.patientScore }),
    };
    assert.throws(
      () => checkEvaluate({ with: step, unknown: new Set() }),
      hasCode('InvalidInput', message),
      name,
    );
  }
  const fine = { predictions: risksOf(t).path, labels: followUpOf(t).path, 'event-values': ['dead'] };
  const { found } = checkEvaluate({ with: fine, unknown: new Set() });
  assert.match(found?.[0] ?? '', /^predictions of 40 slides with os_months: \d+ events$/);
  assert.deepEqual(checkEvaluate({ with: { labels: fine.labels }, unknown: new Set() }).warnings, []);
  assert.deepEqual(
    findEvaluateFaults({ checkpoint: 'c', bags: 'b', splits: 's', 'time-column': 't' }).map(
      (fault) => fault.parameter,
    ),
    ['time-column'],
  );
});

test('a cohort without an event is scored with the reason', async (t) => {
  const alive = followUpOf(t, (line) => line.replace(',Dead,', ',alive,'));
  const { metrics, values } = await score(t, { predictions: risksOf(t), labels: alive, ...MAPPED });
  assert.ok(metrics.endpoint === 'survival');
  assert.deepEqual([values?.concordance, metrics.undefined.concordance], [null, 'no event']);
});
