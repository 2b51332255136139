import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeSplits, run } from '../../../../domain/mil/split/split.js';
import type { SplitWith } from '../../../../domain/mil/split/parameters.js';
import { readSplits } from '../../../../domain/mil/split/splits.js';
import { RandomStream } from '../../../../domain/random.js';
import { makeJob } from '../support.js';
import { names, setUp } from './split-job.js';

/** Two slides of each patient, as in the tables of MCAT and PORPOISE. */
function cohort(patients: number): { keys: string[]; rows: string[] } {
  const random = new RandomStream(3, 'test', 'survival');
  const rows = names(patients).flatMap((patient) => {
    const time = 1 + random.below(1000) / 7;
    const censored = random.below(3) === 0 ? 1 : 0;
    return ['a', 'b'].map((part) => `${patient}-${part}.svs,${patient},${time},${censored}.0`);
  });
  return { keys: rows.map((row) => row.slice(0, row.indexOf('.svs'))), rows };
}

const HEADER = 'slide_id,case_id,survival_months,censorship';
const SURVIVAL: Partial<SplitWith> = {
  endpoint: 'survival',
  eventColumn: 'censorship',
  eventValues: ['0'],
  folds: 5,
};

test('survival splits state the follow-up of each slide, keep patients together and spread events and times', async (t) => {
  const { keys, rows } = cohort(60);
  const set = setUp(t, keys, [HEADER, ...rows].join('\n'), { ...SURVIVAL, valRatio: 0.2 });
  const { splits, table } = makeSplits(set);
  assert.equal(splits.endpoint, 'survival');
  assert.equal(splits.quantity, 'survival_months');
  const [, , time, censored] = rows[0].split(',');
  assert.deepEqual(splits.followUp?.[keys[0]], { time: Number(time), event: 1 - Number(censored) });
  assert.equal(Object.keys(splits.followUp ?? {}).length, 120);
  assert.deepEqual(table.events, { column: 'censorship', texts: ['0.0'] });
  const events = (list: readonly string[]) =>
    list.filter((key) => splits.followUp?.[key].event === 1).length / 2;
  const all = events(keys);
  for (const { train, val, test } of splits.repeats[0].folds) {
    assert.equal(test.length, 24);
    assert.ok(Math.abs(events(test) - all / 5) <= 2, `${events(test)} of ${all}`);
    assert.ok(events(train) > 0 && events(val) > 0);
  }
  const job = makeJob(t, set);
  const { files, values = {} } = await run(job);
  assert.deepEqual(readSplits(files.splits.from), splits);
  assert.match(
    values.cohort as string,
    /^120 slides of 60 patients \(column case_id\), \d+ events \(column censorship: 0\.0\), survival_months \d.* to \d+/,
  );
});
