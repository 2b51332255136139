import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RandomStream } from '../../../domain/random.js';
import { delongPair, delongPairOverRepeats } from '../../../domain/statistics/delong.js';
import { holm } from '../../../domain/statistics/holm.js';
import { auc } from '../../../domain/statistics/ranking.js';

test("Holm's correction multiplies by the number of remaining tests, keeps the order and stops at 1", () => {
  // p.adjust(c(0.01, 0.04, 0.03, 0.005), method = "holm") of R gives 0.03 0.06 0.06 0.02.
  const corrected = holm([0.01, 0.04, 0.03, 0.005]);
  [0.03, 0.06, 0.06, 0.02].forEach((value, i) => assert.ok(Math.abs(corrected[i] - value) < 1e-12));
  assert.deepEqual(holm([0.6, 0.9]), [1, 1]);
  assert.deepEqual(holm([]), []);
});

const SLIDES = 200;
const labels = Array.from({ length: SLIDES }, (_, i) => i % 2);

/** Scores of several repeats: a part that belongs to the slide, and one that changes with each training. */
function scoreRepeats(name: string, repeats: number, skill: number): number[][] {
  const slides = new RandomStream('slides', name);
  const own = labels.map((label) => slides.normal() + label * skill);
  return Array.from({ length: repeats }, (_, repeat) => {
    const training = new RandomStream('training', name, repeat);
    return own.map((value) => value + 0.5 * training.normal());
  });
}

test('equal repeats give the test of one repeat', () => {
  const [[a], [b]] = [scoreRepeats('a', 1, 1), scoreRepeats('b', 1, 0.6)];
  const once = delongPair(a, b, labels);
  const thrice = delongPairOverRepeats([a, a, a], [b, b, b], labels);
  assert.ok(Math.abs(thrice.pTwoSided - once.pTwoSided) < 1e-9);
  assert.ok(Math.abs(thrice.variance - once.variance) < 1e-12);
});

test('over repeats, the AUC is their mean and the variance is that of resampled slides', () => {
  const [a, b] = [scoreRepeats('a', 5, 1), scoreRepeats('b', 5, 0.6)];
  const result = delongPairOverRepeats(a, b, labels);
  const meanAuc = (scores: number[][], chosen: number[]) =>
    scores.reduce(
      (sum, repeat) =>
        sum +
        auc(
          chosen.map((i) => repeat[i]),
          chosen.map((i) => labels[i]),
        ),
      0,
    ) / scores.length;
  const all = labels.map((_, i) => i);
  assert.ok(Math.abs(result.aucA - meanAuc(a, all)) < 1e-12);
  assert.ok(Math.abs(result.aucB - meanAuc(b, all)) < 1e-12);

  const random = new RandomStream('bootstrap');
  const half = SLIDES / 2;
  const draw = (label: number) =>
    Array.from({ length: half }, () => 2 * Math.floor(random.uniform() * half) + label);
  const differences = Array.from({ length: 600 }, () => {
    const chosen = [...draw(0), ...draw(1)];
    return meanAuc(a, chosen) - meanAuc(b, chosen);
  });
  const mean = differences.reduce((sum, value) => sum + value, 0) / differences.length;
  const variance =
    differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (differences.length - 1);
  const ratio = variance / result.variance;
  assert.ok(ratio > 0.8 && ratio < 1.25, `${ratio}`);
});
