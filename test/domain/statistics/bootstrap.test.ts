import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bootstrapIntervals, quantile } from '../../../domain/statistics/bootstrap.js';
import { delongAuc } from '../../../domain/statistics/delong.js';
import { auc } from '../../../domain/statistics/ranking.js';
import { RandomStream } from '../../../domain/random.js';

/** 40 positives and 60 negatives, one standard deviation apart. */
function sample(): { scores: number[]; labels: number[] } {
  const random = new RandomStream('bootstrap-test');
  const labels = Array.from({ length: 100 }, (_, i) => (i % 5 < 2 ? 1 : 0));
  return { labels, scores: labels.map((label) => label + random.normal()) };
}

const statistics = (scores: Float64Array, labels: Uint8Array) => ({ auc: auc(scores, labels) });

test('the same names give the same interval, another seed gives another interval', () => {
  const { scores, labels } = sample();
  const run = (seed: number) => bootstrapIntervals(scores, labels, 200, [seed, 'bootstrap'], statistics);
  assert.deepEqual(run(1), run(1));
  assert.notDeepEqual(run(1), run(2));
});

test('the interval contains the estimate and is about as wide as the DeLong interval', () => {
  const { scores, labels } = sample();
  const { low, high } = bootstrapIntervals(scores, labels, 2000, [1], statistics).auc;
  const delong = delongAuc(scores, labels);
  assert.ok(low < delong.auc && delong.auc < high);
  const ratio = (high - low) / (delong.wald95[1] - delong.wald95[0]);
  assert.ok(ratio > 0.85 && ratio < 1.15, `width ratio ${ratio}`);
});

test('class sizes are preserved, so one positive is enough for an AUC in every replicate', () => {
  let smallest = Infinity;
  bootstrapIntervals([0.9, 0.1, 0.2, 0.3], [1, 0, 0, 0], 50, [1], (scores, labels) => {
    smallest = Math.min(
      smallest,
      labels.reduce((sum, label) => sum + label, 0),
    );
    return { auc: auc(scores, labels) };
  });
  assert.equal(smallest, 1);
});

test('quantiles are type 7, as in numpy.percentile', () => {
  assert.equal(quantile([1, 2, 3, 4], 0.025), 1.075);
  assert.equal(quantile([5], 0.975), 5);
});
