import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SplitWith } from '../../../../domain/mil/split/parameters.js';
import { makeSplits, run } from '../../../../domain/mil/split/split.js';
import { readSplits } from '../../../../domain/mil/split/splits.js';
import { hasCode, makeJob } from '../support.js';
import { names, setUp } from './split-job.js';

/** One slide of each patient, whose names have no order in common with the values. */
function values(t: Parameters<typeof setUp>[0], list: readonly number[], options: Partial<SplitWith> = {}) {
  const rows = list.map((value, i) => `s${String((i * 7) % list.length).padStart(2, '0')},${value}`);
  const set = { endpoint: 'regression' as const, ...options };
  return setUp(t, names(list.length), ['slide_id,tumour_fraction', ...rows].join('\n'), {
    labelColumn: 'tumour_fraction',
    ...set,
  });
}

test('regression splits state the value of each slide and spread the quantiles of the values', async (t) => {
  const list = Array.from({ length: 50 }, (_, i) => i ** 2 / 100);
  const set = values(t, list, { folds: 5, valRatio: 0.25 });
  const { splits } = makeSplits(set);
  assert.equal(splits.quantity, 'tumour_fraction');
  assert.equal(splits.values?.s07, 0.01);
  assert.equal(splits.classes.length, 10);
  assert.equal(splits.classes[0], 'tumour_fraction 0 to 0.16 (1 of 10)');
  for (const { test, val } of splits.repeats[0].folds) {
    const strata = test.map((key) => splits.labels[key]).sort((a, b) => a - b);
    assert.deepEqual(strata, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 'one patient of each stratum');
    assert.equal(val.length, 10);
  }
  const { files, values: outputs = {} } = await run(makeJob(t, set));
  assert.deepEqual(readSplits(files.splits.from), splits);
  assert.equal(
    outputs.cohort,
    '50 slides (no patient column: each slide counts as a patient), tumour_fraction 0 to 24.01, median 6.005',
  );
});

test('a training set of equal values is refused, and equal values share a stratum', (t) => {
  assert.throws(
    () => makeSplits(values(t, [1, 1, 1, 1, 2], { folds: 2 })),
    hasCode(
      'InvalidInput',
      /repeat 0, fold \d\): all training slides have the same tumour_fraction.*found 1 for/,
    ),
  );
  const { classes } = makeSplits(values(t, [0, 0, 0, 0, 1, 1, 5, 7], { folds: 2 })).splits;
  assert.deepEqual(classes, [
    'tumour_fraction 0 (1 of 3)',
    'tumour_fraction 1 (2 of 3)',
    'tumour_fraction 5 to 7 (3 of 3)',
  ]);
});

test('labels that look like numbers, not classes, are answered with the endpoint', (t) => {
  const set = values(t, [0.1, 0.2, 0.35, 0.5, 0.7, 1], { endpoint: undefined, folds: 2 });
  assert.throws(() => makeSplits(set), hasCode('InvalidInput', /too small.*set `endpoint: regression`/));
});
