import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { checkSplit } from '../../../../domain/mil/split/check-split.js';
import type { SplitWith } from '../../../../domain/mil/split/parameters.js';
import { makeSplits, run } from '../../../../domain/mil/split/split.js';
import { formatSplits, readSplits } from '../../../../domain/mil/split/splits.js';
import { RandomStream } from '../../../../domain/random.js';
import { hasCode, inputFile, makeJob, temporaryFolder, writeItems } from '../support.js';
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

/** One slide of each patient: `time,event`. */
function single(t: TestContext, cells: readonly string[], options: Partial<SplitWith> = {}): SplitWith {
  const keys = names(cells.length);
  const rows = cells.map((cell, i) => `${keys[i]},${cell}`);
  return setUp(t, keys, ['slide_id,os_months,os_event', ...rows].join('\n'), {
    endpoint: 'survival',
    ...options,
  });
}

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
  const inStratum = (list: readonly string[], k: number) =>
    list.filter((key) => splits.labels[key] === k).length / 2;
  for (const { train, val, test } of splits.repeats[0].folds) {
    assert.equal(test.length, 24);
    for (const k of splits.classes.keys()) {
      const expected = inStratum(keys, k) / 5;
      assert.ok(Math.abs(inStratum(test, k) - expected) < 1, `${splits.classes[k]}: ${inStratum(test, k)}`);
      assert.ok(inStratum(train, k) > 0 && inStratum(val, k) > 0);
    }
  }
  const { files, values = {} } = await run(makeJob(t, set));
  assert.deepEqual(readSplits(files.splits.from), splits);
  const events = keys.filter((key) => splits.followUp?.[key].event === 1).length / 2;
  assert.equal(
    values.cohort,
    `120 slides of 60 patients (column case_id), ${events} events (column censorship: 0.0), survival_months 1.286 to 143.7`,
  );
  assert.deepEqual(values.warnings, []);
  const [first] = values.summary as { test: { slides: number; patients: number; events: number } }[];
  assert.deepEqual([first.test.slides, first.test.patients], [24, 12]);
});

test('the order of the rows changes nothing, and neither does the unit of the times', (t) => {
  const { keys, rows } = cohort(40);
  const splitsOf = (lines: readonly string[]) =>
    makeSplits(setUp(t, keys, [HEADER, ...lines].join('\n'), SURVIVAL)).splits;
  const made = splitsOf(rows);
  assert.equal(formatSplits(splitsOf([...rows].reverse())), formatSplits(made));
  const days = rows.map((row) =>
    row.replace(/,([\d.]+),(?=[01]\.0$)/, (_, time) => `,${Number(time) * 32},`),
  );
  assert.notEqual(days[0], rows[0]);
  assert.deepEqual(splitsOf(days).repeats, made.repeats);
});

test('strata have at least as many patients as there are folds, and equal times share one', (t) => {
  const strata = (cells: readonly string[], folds: number) => {
    const { classes, labels } = makeSplits(single(t, cells, { folds })).splits;
    return classes.map(
      (name, k) => `${name}: ${Object.values(labels).filter((label) => label === k).length}`,
    );
  };
  const times = (n: number, event: number) => Array.from({ length: n }, (_, i) => `${i + 1},${event}`);
  assert.deepEqual(strata([...times(20, 1), ...times(7, 0)], 3), [
    'event, os_months 1 to 5 (1 of 4): 5',
    'event, os_months 6 to 10 (2 of 4): 5',
    'event, os_months 11 to 15 (3 of 4): 5',
    'event, os_months 16 to 20 (4 of 4): 5',
    'censored, os_months 1 to 4 (1 of 2): 4',
    'censored, os_months 5 to 7 (2 of 2): 3',
  ]);
  const rounded = ['1', '1', '1', '1', '2', '2', '2', '3'].map((time) => `${time},1`);
  assert.deepEqual(strata(rounded, 3), [
    'event, os_months 1 (1 of 2): 4',
    'event, os_months 2 to 3 (2 of 2): 4',
  ]);
  assert.deepEqual(strata([...times(3, 0), '4,1', '5,1'], 4), [
    'event, os_months 4 to 5 (1 of 1): 2',
    'censored, os_months 1 to 3 (1 of 1): 3',
  ]);
});

test('few events are spread as far as they go; a training set without any is refused', (t) => {
  const censored = Array.from({ length: 18 }, (_, i) => `${i},0`);
  const two = makeSplits(single(t, [...censored, '3,1', '9,1'], { folds: 5, valRatio: 0.5 })).splits;
  const events = (keys: readonly string[]) => keys.filter((key) => two.followUp?.[key].event === 1).length;
  assert.deepEqual(two.repeats[0].folds.map(({ test }) => events(test)).sort(), [0, 0, 0, 1, 1]);
  assert.throws(
    () => makeSplits(single(t, [...censored, '3,1'], { folds: 5 })),
    hasCode('InvalidInput', /repeat 0, fold \d\): no training patient has the event/),
  );
  assert.throws(
    () => makeSplits(single(t, ['1,1', '2,0'], { folds: 5 })),
    hasCode('InvalidInput', /the cohort is too small for 5 folds.*found 2/),
  );
});

test('sets without an event are warned of', async (t) => {
  const censored = Array.from({ length: 10 }, (_, i) => `${i},0`);
  const { values = {} } = await run(makeJob(t, single(t, [...censored, '3,1', '9,1'], { folds: 3 })));
  assert.match(
    (values.warnings as string[]).join(),
    /^the test set has no event, so its concordance is undefined: repeat 0, fold \d$/,
  );
});

test('one fold of all patients, and given lists, work for survival; the reference scheme does not', (t) => {
  const { keys, rows } = cohort(10);
  const set = setUp(t, keys, [HEADER, ...rows].join('\n'), SURVIVAL);
  const whole = makeSplits({ ...set, scheme: 'all', valRatio: 0.3 }).splits;
  assert.deepEqual(whole.repeats[0].folds.map(({ test }) => test.length), [0]); // prettier-ignore
  const given = join(temporaryFolder(t), 'given.json');
  writeFileSync(given, JSON.stringify({ repeats: [{ folds: [{ test: keys.slice(0, 4) }] }] }));
  const listed = makeSplits({ ...set, splits: inputFile(given) }).splits;
  assert.deepEqual(listed.repeats[0].folds[0].test, keys.slice(0, 4));
  assert.equal(listed.followUp?.[keys[5]].time, whole.followUp?.[keys[5]].time);
  writeFileSync(given, JSON.stringify({ repeats: [{ folds: [{ test: keys.slice(0, 1) }] }] }));
  assert.throws(
    () => makeSplits({ ...set, splits: inputFile(given) }),
    hasCode('InvalidInput', /patient "s00" leaks/),
  );
  assert.throws(
    () => makeSplits({ ...set, scheme: 'reference' }),
    hasCode('InvalidInput', /`scheme: reference` does not exist for survival.*divides patients/),
  );
});

test('parameters that have no effect on the endpoint are refused', (t) => {
  const refused = (options: Partial<SplitWith>, message: RegExp) => {
    const set = single(t, ['1,1', '2,0', '3,1'], options);
    assert.throws(() => makeSplits(set), hasCode('InvalidInput', message));
  };
  refused(
    { endpoint: undefined, timeColumn: 'os_months', eventValues: ['1'] },
    /`time-column`, `event-values` have no effect on classification.*`endpoint: survival`/,
  );
  refused({ classes: ['0', '1'] }, /`classes` has no effect on survival/);
  refused({ labelColumn: 'os_event' }, /`label-column` has no effect on survival/);
  refused({ endpoint: 'regression', eventColumn: 'os_event' }, /`event-column` has no effect on regression/);
});

test('the check before the run says what is understood, and refuses what the run would refuse', (t) => {
  const { keys, rows } = cohort(20);
  const { labels } = setUp(t, keys, [HEADER, ...rows].join('\n'));
  const check = (settings: Record<string, string | string[]>) =>
    checkSplit({
      with: {
        ...{ labels: labels.path, folds: 3, repeats: 1, seed: 1, 'val-ratio': 0, scheme: 'stratified' },
        ...{ match: 'exact', unmatched: 'error', endpoint: 'survival', ...settings },
      },
      unknown: new Set(),
      items: { bags: keys.map((key) => ({ key })) },
    });
  const { found = [] } = check({ 'event-column': 'censorship', 'event-values': ['0'] });
  assert.match(
    found[0],
    /^40 slides of 20 patients \(column case_id\), \d+ events \(column censorship: 0\.0\)/,
  );
  assert.throws(() => check({}), hasCode('InvalidInput', /column "censorship" may state 1 for censored/));
  assert.throws(() => check({ scheme: 'reference' }), hasCode('InvalidInput', /does not exist for survival/));
});

test('if all slides with the event, or of a class, are omitted, they are named with the reason', (t) => {
  const skipped = (t: TestContext, set: SplitWith, keys: readonly string[]) => {
    const path = join(temporaryFolder(t), 'items.jsonl');
    const why = { status: 'skipped' as const, reason: 'no tissue' };
    writeItems(path, names(6).map((key) => ({ key, ...(keys.includes(key) && why) }))); // prettier-ignore
    return { ...set, bags: inputFile(path) };
  };
  const set = single(t, ['1,1', '2,0', '3,1', '4,0', '5,0', '6,0'], { folds: 2 });
  assert.throws(
    () => makeSplits(skipped(t, set, ['s00', 's02'])),
    hasCode(
      'InvalidInput',
      /no slides with the event are left.*2 omitted: s00 \(no tissue\), s02 \(no tissue\)/,
    ),
  );
  const classes = setUp(t, names(6), names(6).map((key, i) => `${key},${i < 2 ? 'a' : 'b'}`).join('\n'), { folds: 2 }); // prettier-ignore
  assert.throws(
    () => makeSplits(skipped(t, classes, ['s00', 's01'])),
    hasCode(
      'InvalidInput',
      /labels\.csv:1: all slides of class "a" are omitted.*s00 \(no tissue\), s01 \(no tissue\)/,
    ),
  );
  assert.throws(
    () => makeSplits(skipped(t, classes, ['s01'])),
    hasCode('InvalidInput', /class "a" is too small for 2 folds.*found 1; omitted: s01 \(no tissue\)/),
  );
});
