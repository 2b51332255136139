import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { digestOfJson } from '../../../../domain/digest.js';
import { writeEvaluation } from '../../../../domain/mil/evaluate/evaluation-files.js';
import {
  evaluatePredictions,
  type Prediction,
} from '../../../../domain/mil/evaluate/evaluate-predictions.js';
import { readClassMetrics } from '../../../../domain/mil/evaluate/read-metrics-file.js';
import { endpointOracle, near } from '../../../support/endpoints.js';
import { FOLD_FACTS } from '../../../support/small-evaluation.js';
import { hasCode, temporaryFolder } from '../support.js';

interface Case {
  name: string;
  classes: number;
  labels: number[];
  probabilities: number[][];
  support: number[];
  auc_one_vs_rest: (number | null)[];
  average_precision: (number | null)[];
  recall: number[];
  precision: number[];
  f1: number[];
  confusion: number[][];
  [metric: string]: unknown;
}

const { cases } = endpointOracle('multiclass') as { cases: Case[] };
const NAMES = ['ductal', 'lobular', 'normal', 'mixed', 'other', 'sixth', 'seventh', 'eighth'];

const predictionsOf = ({ labels, probabilities }: Pick<Case, 'labels' | 'probabilities'>): Prediction[] =>
  labels.map((label, i) => ({ key: `s${i}`, label, probabilities: probabilities[i] }));

const options = {
  protocol: 'honest',
  threshold: 'validation',
  bootstrap: 0,
  stream: [1, 'bootstrap', 0, 0],
} as const;

for (const expected of cases.filter(({ classes }) => classes > 2)) {
  test(`an evaluation of several classes equals scikit-learn: ${expected.name}`, () => {
    const classes = NAMES.slice(0, expected.classes);
    const predictions = predictionsOf(expected);
    const { rank, protocols, several } = evaluatePredictions(predictions, [], {
      ...options,
      classes,
      ordered: true,
    });
    assert.ok(several);
    const oracle = (name: string) => expected[name] as number | null;
    near(rank.auc, oracle('auc_ovr_macro'), 'macro AUC');
    near(rank.average_precision, oracle('average_precision_macro'), 'macro AP');
    near(rank.log_loss, oracle('log_loss'), 'log loss');
    near(rank.brier, oracle('brier'), 'Brier');
    const calibration = (expected.calibration as Record<string, { ece: number; mce: number }>)['10'];
    if (calibration !== undefined) {
      near(rank.expected_calibration_error, calibration.ece, 'ECE');
      near(several.maximum_calibration_error, calibration.mce, 'MCE');
    }
    near(several.auc_weighted, oracle('auc_ovr_weighted'), 'weighted AUC');
    near(several.auc_one_vs_one, oracle('auc_ovo_macro'), 'one-versus-one AUC');
    near(several.kappa, oracle('kappa'), 'kappa');
    near(several.quadratic_kappa, oracle('kappa_quadratic'), 'quadratic kappa');
    near(several.mcc, oracle('mcc'), 'MCC');
    near(several.f1_weighted, oracle('weighted_f1'), 'weighted F1');
    for (const { confusion, accuracy, balanced_accuracy: balanced, macro } of Object.values(protocols)) {
      assert.deepEqual(confusion, expected.confusion);
      near(accuracy, oracle('accuracy'), 'accuracy');
      near(balanced, oracle('balanced_accuracy'), 'balanced accuracy');
      near(macro.f1, oracle('macro_f1'), 'macro F1');
      near(macro.precision, oracle('macro_precision'), 'macro precision');
      near(macro.recall, oracle('macro_recall'), 'macro recall');
    }
    classes.forEach((name, k) => {
      const one = several.per_class[name];
      assert.equal(one.slides, expected.support[k]);
      near(one.auc, expected.auc_one_vs_rest[k], `AUC of ${name}`);
      near(one.average_precision, expected.average_precision[k], `AP of ${name}`);
      // scikit-learn shows 0 / 0 as 0; an evaluation says that it is undefined, and why.
      if (one.slides > 0) near(one.recall, expected.recall[k], `recall of ${name}`);
      else assert.deepEqual([one.recall, one.undefined.recall], [null, `no slide of class ${name}`]);
      if (one.called > 0) near(one.precision, expected.precision[k], `precision of ${name}`);
      else assert.deepEqual([one.precision, one.undefined.precision], [null, `no slide is called ${name}`]);
      if (one.slides + one.called > 0) near(one.f1, expected.f1[k], `F1 of ${name}`);
      else assert.equal(one.f1, null);
    });
  });
}

/** 30 slides of three classes, most of them called right. */
const scored = Array.from({ length: 30 }, (_, i): Prediction => {
  const shown = i % 7 === 0 ? (i + 1) % 3 : i % 3;
  const high = 0.4 + ((i * 13) % 30) / 60;
  const row = [0, 1, 2].map((k) => (k === shown ? high : (1 - high) / 2));
  return { key: `s${i}`, label: i % 3, probabilities: row };
});
const classes = ['ductal', 'lobular', 'normal'];

test('every metric of several classes has an interval that contains it, and a repeat gives the same', () => {
  const evaluate = (ordered: boolean) =>
    evaluatePredictions(scored, [], { ...options, classes, ordered, bootstrap: 200 });
  const { rank, several, intervals, protocols } = evaluate(true);
  assert.deepEqual(evaluate(true).intervals, intervals);
  const values: Record<string, unknown> = { ...rank, ...protocols.honest, ...several };
  assert.equal(Object.keys(intervals.bootstrap ?? {}).length, 17);
  for (const [name, { low, high }] of Object.entries(intervals.bootstrap ?? {})) {
    const value = values[name] as number;
    // Calibration errors of resampled slides are larger than that of the slides.
    assert.ok(low <= high && (name.includes('calibration') || (low <= value && value <= high)), name);
  }
  for (const one of Object.values(several!.per_class)) {
    assert.deepEqual(Object.keys(one.intervals), ['auc', 'average_precision', 'recall', 'precision', 'f1']);
    assert.ok(one.intervals.recall!.low <= one.recall! && one.recall! <= one.intervals.recall!.high);
  }
  const unordered = evaluate(false);
  assert.equal(unordered.several!.quadratic_kappa, null);
  assert.match(unordered.several!.undefined.quadratic_kappa!, /not an ordered scale/);
  assert.equal(unordered.intervals.bootstrap!.quadratic_kappa, undefined);
});

test('two classes keep the bits of their evaluation', () => {
  const two = Array.from({ length: 40 }, (_, i): Prediction => {
    const score = (((i * 37) % 41) + 1) / 43;
    return { key: `s${i}`, label: (i * 7) % 10 < 4 ? 0 : 1, probabilities: [1 - score, score] };
  });
  const evaluation = evaluatePredictions(two, two.slice(0, 20), {
    ...{ classes: ['a', 'b'], protocol: 'honest', threshold: 'validation' },
    ...{ bootstrap: 100, stream: [1, 'bootstrap', 0, 0] },
  });
  // Made by version 3 of mil.evaluate.
  const before = 'sha256:be1dcc8bc49986197099dcfe0725fc5a8a8f6887e20feab88caa7e1204d79fec';
  assert.equal(digestOfJson(JSON.parse(JSON.stringify(evaluation))), before);
});

test('a metrics file whose classes do not belong to its numbers is refused', (t) => {
  const settings = { threshold: 'half', bootstrap: 5, ordered: true } as const;
  const facts = { ...FOLD_FACTS, classes };
  const { files } = writeEvaluation(temporaryFolder(t), facts, { scored, validation: [] }, settings);
  const path = files.metrics.from;
  assert.equal(readClassMetrics(path).several?.ordered, true);
  const whole = JSON.parse(readFileSync(path, 'utf8')) as { several: { per_class: Record<string, object> } };
  const refuse = (change: (copy: typeof whole) => void, found: RegExp) => {
    const copy = structuredClone(whole);
    change(copy);
    writeFileSync(path, JSON.stringify(copy));
    assert.throws(() => readClassMetrics(path), hasCode('InvalidInput', found));
  };
  refuse((copy) => Reflect.deleteProperty(copy, 'several'), /3 classes without `several`/);
  refuse((copy) => Object.assign(copy.several.per_class.ductal, { slides: 4 }), /ductal \(4\)/);
  refuse((copy) => Object.assign(copy.several, { kappa: 2 }), /kappa/);
});
