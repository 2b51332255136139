import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricsFile } from '../../../../domain/mil/evaluate/metrics-file.js';
import { computeSpread, summarize } from '../../../../domain/pipeline/report/data/summary.js';

const file = (repeat: number, fold: number, auc: number | null, accuracy: number) =>
  ({
    repeat,
    fold,
    slides: 4,
    protocol: 'honest',
    selection: { optimistic: false },
    rank: { auc, average_precision: auc, brier: 0.1 },
    protocols: {
      honest: { accuracy, specificity: null },
      paper: { accuracy: accuracy + 0.1, specificity: null },
    },
  }) as unknown as MetricsFile;

test('reports mean and std both over repeats and over folds', () => {
  const files = [file(0, 0, 0.8, 0.5), file(0, 1, 1, 0.7), file(1, 0, 0.6, 0.9), file(1, 1, 0.8, 0.9)];
  const [row] = summarize(files.map((metrics) => ({ group: 'g', metrics })));
  assert.deepEqual([row.repeats, row.folds, row.slides], [2, 4, 8]);
  const { auc, accuracy } = row.protocols.honest;
  const close = (actual: number | undefined, expected: number) =>
    assert.ok(Math.abs(actual! - expected) < 1e-12, `${actual}`);
  close(auc.repeats?.mean, 0.8);
  close(auc.repeats?.std, 0.1);
  close(auc.folds?.std, Math.sqrt(0.02));
  close(accuracy.repeats?.mean, 0.75);
  close(row.protocols.paper.accuracy.repeats?.mean, 0.85);
});

test('excludes and counts folds without AUC; without any AUC the spread is null', () => {
  const files = [file(0, 0, null, 0.5), file(0, 1, 0.9, 0.5)];
  const [row] = summarize(files.map((metrics) => ({ group: 'g', metrics })));
  assert.deepEqual(row.protocols.honest.auc.folds, { mean: 0.9, std: 0, n: 1, undefined: 1 });
  assert.equal(row.protocols.honest.specificity.folds, null);
  assert.equal(computeSpread([]), null);
});

test('lists groups in the order of their first file', () => {
  const groups = ['b', 'a', 'b'].map((group) => ({ group, metrics: file(0, 0, 1, 1) }));
  assert.deepEqual(
    summarize(groups).map(({ group }) => group),
    ['b', 'a'],
  );
});
