import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { SplitWith } from '../../../../domain/mil/split/parameters.js';
import { run } from '../../../../domain/mil/split/split.js';
import { inputFile, makeJob, temporaryFolder } from '../support.js';
import { alternating, names, setUp } from './split-job.js';

test('warnings say what a reader must know: omitted slides, sets without a class, divided patients', async (t) => {
  const keys = names(12);
  const rows = `slide_id,patient,label\n${keys.map((key, i) => `${key},P${i >> 1},${(i >> 1) % 2}`).join('\n')}`;
  const warningsOf = async (options: Partial<SplitWith>, labels = rows) => {
    const { values } = await run(makeJob(t, setUp(t, keys, labels, options)));
    return values as { warnings: string[]; cohort: string };
  };
  const kept = await warningsOf({});
  assert.deepEqual(kept.warnings, []);
  assert.equal(kept.cohort, '12 slides, 2 classes: 0 6, 1 6 (positive); 6 patients by column patient');
  const divided = await warningsOf({ groupColumn: 'none' });
  assert.match(divided.warnings.join(), /^\d of 6 patients are tested by models that were trained/);
  assert.match(divided.cohort, /no patient column: each slide counts as a patient/);
  const few = `slide_id,label\n${keys.map((key, i) => `${key},${i < 3 ? 'a' : i < 11 ? 'b' : ''}`).join('\n')}`;
  const { warnings } = await warningsOf({ valRatio: 0.1, unmatched: 'drop' }, few);
  assert.match(warnings[0], /^1 slide or label is omitted: s11 \(no label in line 13\)/);
  const given = join(temporaryFolder(t), 'given.json');
  const fold = { train: keys.slice(4), val: ['s00', 's02'], test: ['s01', 's03'] };
  writeFileSync(given, JSON.stringify({ repeats: [{ folds: [fold] }] }));
  const lacking = await warningsOf({ splits: inputFile(given) }, alternating(keys));
  assert.deepEqual(lacking.warnings, [
    'the validation set lacks a class, so the last epoch is kept there: 1 in repeat 0, fold 0',
  ]);
});
