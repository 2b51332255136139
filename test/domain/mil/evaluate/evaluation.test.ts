import { summarize } from '../../../../domain/pipeline/report/data/summary.js';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { digestOf } from '../../../../domain/digest.js';
import { readCsv } from '../../../../domain/files/csv.js';
import {
  evaluatePredictions,
  type EvaluationOptions,
  type Prediction,
} from '../../../../domain/mil/evaluate/evaluate-predictions.js';
import { writeEvaluation, type FoldFacts } from '../../../../domain/mil/evaluate/evaluation-files.js';
import { readClassMetrics } from '../../../../domain/mil/evaluate/read-metrics-file.js';
import { readPredictions } from '../../../../domain/mil/evaluate/predictions-file.js';
import { FOLD_FACTS } from '../../../support/small-evaluation.js';
import { hasCode, temporaryFolder } from '../support.js';

const binary = (scores: readonly number[], labels: readonly number[]): Prediction[] =>
  scores.map((score, i) => ({ key: `s${i}`, label: labels[i], probabilities: [1 - score, score] }));

const options: EvaluationOptions = {
  classes: ['normal', 'tumor'],
  protocol: 'honest',
  threshold: 'validation',
  bootstrap: 0,
  stream: ['test'],
};

const scored = binary([0.1, 0.2, 0.3, 0.35, 0.38, 0.4, 0.8], [0, 0, 1, 0, 0, 1, 1]);

test('honest takes the threshold from validation, paper from the scored fold with a note', () => {
  const validation = binary(
    [0.1, 0.2, 0.2, 0.25, 0.3, 0.6, 0.65, 0.7, 0.7, 0.9],
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1],
  );
  const { protocols, rank } = evaluatePredictions(scored, validation, options);
  assert.equal(protocols.honest.threshold, 0.6);
  assert.equal(protocols.honest.threshold_from, 'Youden on 10 validation slides');
  assert.equal(protocols.honest.optimistic, undefined);
  assert.deepEqual(protocols.honest.confusion, [
    [4, 0],
    [2, 1],
  ]);
  assert.equal(protocols.paper.threshold, 0.4);
  assert.match(protocols.paper.optimistic ?? '', /chosen on the very slides/);
  assert.equal(protocols.paper.accuracy, 6 / 7);
  assert.equal(rank.auc, 5 / 6);
});

test('honest falls back to 0.5 with the reason', () => {
  const from = (validation: Prediction[], threshold: 'validation' | 'half' = 'validation') =>
    evaluatePredictions(scored, validation, { ...options, threshold }).protocols.honest;
  assert.equal(from([]).threshold_from, 'fixed at 0.5: no validation set');
  assert.equal(from(binary([0.2], [1])).threshold_from, 'fixed at 0.5: only 0 validation slides of a class');
  const four = binary([0.1, 0.2, 0.3, 0.35, 0.6, 0.7, 0.8, 0.9, 0.95], [0, 0, 0, 0, 1, 1, 1, 1, 1]);
  assert.equal(from(four).threshold_from, 'fixed at 0.5: only 4 validation slides of a class');
  // The validation scores have the reverse order, so Youden's threshold would call nothing positive.
  const wrong = binary([0.9, 0.9, 0.8, 0.8, 0.7, 0.1, 0.1, 0.2, 0.2, 0.3], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]);
  assert.equal(from(wrong).threshold_from, 'fixed at 0.5: the validation set gives no threshold');
  assert.equal(from(binary([0.1, 0.9], [0, 1]), 'half').threshold_from, 'fixed at 0.5');
  assert.equal(from([]).threshold, 0.5);
});

test('a fold with one class gives a null AUC and no intervals', () => {
  const { rank, protocols, intervals } = evaluatePredictions(binary([0.2, 0.6], [0, 0]), [], {
    ...options,
    bootstrap: 10,
  });
  assert.equal(rank.auc, null);
  assert.equal(protocols.paper.threshold_from, 'fixed at 0.5: one class only in the scored fold');
  assert.equal(protocols.honest.accuracy, 0.5);
  assert.deepEqual(intervals, {});
  const { precision, recall, f1, specificity, balanced_accuracy: balanced } = protocols.honest;
  assert.deepEqual([precision, recall, f1, specificity, balanced], [null, null, null, 0.5, 0.5]);
});

test('an evaluation of a fold without a class can be read, and its means leave the class out', (t) => {
  const { files, values } = writeEvaluation(
    temporaryFolder(t),
    facts,
    { scored: binary([0.2, 0.4], [0, 0]), validation: [] },
    settings,
  );
  assert.equal(values?.f1, null);
  const metrics = readClassMetrics(files.metrics.from);
  const whole = structuredClone(metrics);
  Object.assign(whole, {
    fold: 0,
    protocols: { ...whole.protocols, honest: { ...whole.protocols.honest, recall: 1, f1: 1 } },
  });
  const [row] = summarize([whole, metrics].map((file) => ({ group: 'g', metrics: file })));
  assert.deepEqual(row.protocols.honest.recall.folds, { mean: 1, std: 0, n: 1, undefined: 1 });
  assert.deepEqual(row.protocols.honest.f1.folds, { mean: 1, std: 0, n: 1, undefined: 1 });
  const three = evaluatePredictions(
    [0, 1].map((label) => ({
      key: `${label}`,
      label,
      probabilities: [0.9 - label * 0.8, 0.1 + label * 0.8, 0],
    })),
    [],
    { ...options, classes: ['a', 'b', 'c'] },
  );
  assert.deepEqual(three.protocols.honest.macro, { precision: 1, recall: 1, f1: 1 });
  assert.equal(three.protocols.honest.balanced_accuracy, 1);
});

test('bootstrap and DeLong intervals contain the estimate, and perfect ranks have none', () => {
  const { intervals, rank } = evaluatePredictions(scored, [], { ...options, bootstrap: 500 });
  const { low, high } = intervals.bootstrap!.auc;
  assert.ok(low < rank.auc! && rank.auc! <= high);
  assert.ok(intervals.delong_auc!.low < rank.auc!);
  assert.equal(intervals.bootstrap_replicates, 500);
  const perfect = evaluatePredictions(binary([0.1, 0.2, 0.8, 0.9], [0, 0, 1, 1]), [], options);
  assert.equal(perfect.intervals.delong_auc, undefined);
});

test('with three classes, the most probable one is called', () => {
  const predictions: Prediction[] = [
    { key: 'a', label: 0, probabilities: [0.7, 0.2, 0.1] },
    { key: 'b', label: 1, probabilities: [0.5, 0.4, 0.1] },
    { key: 'c', label: 2, probabilities: [0.2, 0.2, 0.6] },
  ];
  const result = evaluatePredictions(predictions, [], { ...options, classes: ['x', 'y', 'z'] });
  assert.equal(result.protocols.honest.accuracy, 2 / 3);
  assert.equal(result.protocols.honest.threshold_from, 'the most probable class');
  assert.equal(result.rank.auc, 1);
  assert.ok(Math.abs(result.rank.log_loss + (Math.log(0.7) + Math.log(0.4) + Math.log(0.6)) / 3) < 1e-12);
  assert.deepEqual(result.counts, { x: 1, y: 1, z: 1 });
});

const facts: FoldFacts = {
  ...FOLD_FACTS,
  cell: 'abmil-0-1',
  fold: 1,
  seed: 2021,
  classes: ['normal', 'tumor'],
};
const settings = { threshold: 'validation', bootstrap: 50 } as const;

test('files of a fold are named after the cell and keep every digit and every point of the ROC curve', (t) => {
  const folder = temporaryFolder(t);
  const odd = binary([0.1 + 0.2, 1 / 3, 2 / 3, 0.9], [0, 0, 1, 1]);
  const { files, values } = writeEvaluation(
    folder,
    facts,
    { scored: odd, validation: odd.slice(0, 3) },
    settings,
  );
  assert.deepEqual(Object.fromEntries(Object.entries(files).map(([name, { to }]) => [name, to])), {
    predictions: 'predictions/abmil-0-1.csv',
    'validation-predictions': 'predictions/abmil-0-1.validation.csv',
    metrics: 'metrics/abmil-0-1.json',
    roc: 'roc/abmil-0-1.csv',
  });
  assert.deepEqual(readPredictions(files.predictions.from, facts.classes), odd);
  const metrics = readClassMetrics(files.metrics.from);
  assert.equal(metrics.sources.predictions, digestOf(readFileSync(files.predictions.from)));
  assert.equal(metrics.positive, 'tumor');
  assert.equal(values?.auc, 1);
  const roc = readCsv(files.roc.from, { header: true });
  assert.deepEqual(roc.rows[0].values, { class: 'tumor', threshold: 'inf', fpr: '0', tpr: '0' });
  assert.equal(roc.rows.length, 5);
});

test('the same fold gives the same bytes, a different seed gives different intervals', (t) => {
  const bytes = (seed: number) => {
    const folder = temporaryFolder(t);
    const { files } = writeEvaluation(folder, { ...facts, seed }, { scored, validation: [] }, settings);
    return Object.values(files).map(({ from }) => readFileSync(from, 'utf8'));
  };
  assert.deepEqual(bytes(1), bytes(1));
  const intervals = (text: string) => (JSON.parse(text) as { intervals: object }).intervals;
  assert.notDeepEqual(intervals(bytes(1)[2]), intervals(bytes(2)[2]));
});

test('an error names the slide with invalid probabilities', (t) => {
  const broken = [{ key: 'bad_slide', label: 1, probabilities: [NaN, NaN] }];
  assert.throws(
    () => writeEvaluation(temporaryFolder(t), facts, { scored: broken, validation: [] }, settings),
    hasCode('InvalidInput', /abmil-0-1: the model returned invalid probabilities for slide "bad_slide".*NaN/),
  );
  assert.throws(
    () => writeEvaluation(temporaryFolder(t), facts, { scored: [], validation: [] }, settings),
    hasCode('InvalidInput', /test set is empty/),
  );
});

test('an error names metrics and predictions files of other tools', (t) => {
  const folder = temporaryFolder(t);
  const { files } = writeEvaluation(folder, facts, { scored, validation: [] }, settings);
  assert.throws(() => readClassMetrics(files.roc.from), hasCode('InvalidInput', /metrics cannot be read/));
  assert.throws(
    () => readPredictions(files.roc.from, facts.classes),
    hasCode('InvalidInput', /does not contain the columns/),
  );
  assert.throws(() => readClassMetrics(join(folder, 'none.json')), hasCode('InvalidInput', /none\.json/));
});
