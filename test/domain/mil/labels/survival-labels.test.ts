import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabelOptions } from '../../../../domain/mil/labels/label-table.js';
import { hasCode } from '../support.js';
import { reader } from './label-tables.js';

const SURVIVAL: LabelOptions = { endpoint: 'survival' };

/** Rows `s0,p0,...` of patients with one slide each. */
const rowsOf = (header: string, cells: readonly string[]) => [
  `slide_id,patient,${header}`,
  ...cells.map((cell, i) => `s${i},p${i},${cell}`),
];

test('events are read as people write them, and otherwise by stated texts', (t) => {
  const read = reader(t);
  const events = (texts: readonly string[], options: LabelOptions = {}) => {
    const rows = rowsOf('os_months,os_status', texts.map((text) => `1,${text}`)); // prettier-ignore
    return read(rows, { ...SURVIVAL, ...options })
      .rows.map(({ followUp }) => followUp?.event)
      .join('');
  };
  assert.equal(events(['1', '0', '1.0', '0.0', '01', 'TRUE', 'False', '"1,0"']), '10101101');
  const words = ['dead', 'Alive', 'DEAD', 'alive'];
  assert.equal(events(words, { eventValues: ['dead'], censoredValues: ['alive'] }), '1010');
  assert.equal(events(words, { eventValues: ['dead'] }), '1010');
  assert.equal(events(words, { censoredValues: ['alive'] }), '1010');
  assert.equal(events(['0', '1', '0.0'], { eventValues: ['0'] }), '101');
  assert.equal(events(['0', '1'], { eventValues: [0], censoredValues: [1] }), '10');
  assert.equal(events(['1:DECEASED', '0:LIVING'], { eventValues: ['1:DECEASED'] }), '10');
  assert.equal(events(['2', '1'], { eventValues: [2] }), '10');
  assert.equal(events(['dead', 'none'], { eventValues: ['dead'], censoredValues: ['none'] }), '10');
});

test('texts whose meaning is not stated are listed with the setting to write', (t) => {
  const read = reader(t);
  const refused = (texts: readonly string[], message: RegExp, options: LabelOptions = {}) => {
    const rows = rowsOf('os_months,os_status', texts.map((text) => `1,${text}`)); // prettier-ignore
    assert.throws(() => read(rows, { ...SURVIVAL, ...options }), hasCode('InvalidInput', message));
  };
  refused(
    ['1:DECEASED', '0:LIVING', '0:LIVING'],
    /labels\.csv:2: column "os_status" has texts whose meaning is not stated.*"0:LIVING" in 2 rows.*`event-values: \["1:DECEASED"\]` and `censored-values: \["0:LIVING"\]`/,
  );
  refused(['1', '2', '2'], /`event-values: \["2"\]` and `censored-values: \["1"\]`/);
  refused(['dead', 'alive', 'lost'], /"lost" in 1 row.*Next: list the texts/);
  refused(['dead', 'alive', 'alvie'], /"alvie" in 1 row/, { eventValues: ['dead'] });
  refused(['1', '0', 'dead'], /labels\.csv:4:.*"dead" in 1 row/);
  refused(['dead', 'alive'], /"Dead" is in `event-values` and in `censored-values`/, {
    eventValues: ['Dead'],
    censoredValues: ['dead'],
  });
});

test('stated texts that no row has, and a column of censoring that is read as events, are warned of', (t) => {
  const read = reader(t);
  const rows = rowsOf('os_months,os_status', ['1,dead', '2,alive']);
  const options = { ...SURVIVAL, eventValues: ['dead', 'deceased'], censoredValues: ['alive'] };
  assert.deepEqual(read(rows, options).warnings, [
    'no row has "deceased" of `event-values` in column "os_status"',
  ]);
  const censored = rowsOf('os_months,censored', ['1,1', '2,0']);
  assert.deepEqual(read(censored, { ...SURVIVAL, eventValues: ['0'] }).warnings, []);
  assert.match(read(censored, { ...SURVIVAL, eventValues: ['1'] }).warnings[0], /its name says that 1 is/);
});

test('all faults of follow-up are listed together, each with its rows and cells', (t) => {
  const rows = [
    'slide_id,patient,os_months,os_event',
    's0,p0,12.5,1',
    's1,p0,13,1',
    's2,p2,-4,1',
    's3,p3,,1',
    's4,p4,7,NA',
    's5,p5,NA,',
    's6,p6,5 months,0',
    's7,p7,1e999,1',
    's8,p8,"1,234",0',
    's9,p9,3,maybe',
  ];
  assert.throws(
    () => reader(t)(rows, SURVIVAL),
    (error: Error) => {
      for (const text of [
        /labels\.csv: 8 faults in the labels/,
        /labels\.csv:5: 1 row has no time, although the event is stated\n.*\n.*line 5 "s3" \(event 1\)/,
        /labels\.csv:6: 1 row has no event, although the time is stated\n.*\n.*line 6 "s4" \(time 7\)/,
        /labels\.csv:7: 1 row has no time and no event/,
        /labels\.csv:8: 2 cells of column "os_months" are not numbers\n.*\n.*"s6" \(5 months\), line 10 "s8" \(1,234\)/,
        /labels\.csv:9: 1 cell of column "os_months" is not finite\n.*\n.*"s7" \(1e999\)/,
        /labels\.csv:4: 1 cell of column "os_months" is negative\n.*\n.*"s2" \(-4\)/,
        /labels\.csv:11: column "os_event" has texts whose meaning is not stated/,
        /labels\.csv:3: patient "p0" has different times or events\n.*\n.*p0 \(12\.5 with event in line 2, 13 with event in line 3\)/,
      ])
        assert.match(error.message, text);
      return true;
    },
  );
});

test('rows without follow-up are left out with `unmatched: drop`, each with its reason', (t) => {
  const rows = rowsOf('os_months,os_event', ['1,1', ',1', '2,', '?,unknown', '0,0']);
  const { unlabeled, rows: kept } = reader(t)(rows, { ...SURVIVAL, unmatched: 'drop' });
  assert.deepEqual(
    unlabeled.map(({ line, lacks, text }) => `${line} ${lacks} (${text})`),
    ['3 time (event 1)', '4 event (time 2)', '5 time and event (?)'],
  );
  assert.deepEqual(
    kept.map(({ followUp }) => followUp),
    [
      { time: 1, event: 1 },
      { time: 0, event: 0 },
    ],
  );
});

test('a table without any event, and one without a header, are refused', (t) => {
  const read = reader(t);
  const refused = (rows: readonly string[], message: RegExp) =>
    assert.throws(() => read(rows, SURVIVAL), hasCode('InvalidInput', message));
  refused(
    rowsOf('os_months,os_event', ['1,0', '2,0.0']),
    /all patients are censored.*2 rows with "0", "0\.0"/,
  );
  const scored = read(rowsOf('os_months,os_event', ['1,0', '2,0']), { ...SURVIVAL, mayNotVary: true });
  assert.equal(scored.rows.length, 2, 'a cohort to be scored may have no event');
  refused(['s0,12,1', 's1,13,0'], /labels of survival need a header.*found s0,12,1/);
});

test('a column that has times of the event only is refused, also with `unmatched: drop`', (t) => {
  const rows = rowsOf('days_to_death,vital_status', ['300,1', ',0', '20,1', 'NA,0', ',1']);
  const refused = hasCode(
    'InvalidInput',
    /:3: column "days_to_death" has no times of censored patients.*2 censored rows/s,
  );
  assert.throws(() => reader(t)(rows, { ...SURVIVAL, unmatched: 'drop' }), refused);
  assert.throws(() => reader(t)(rows, SURVIVAL), refused);
});

test('values of a regression are numbers, differ, and agree within a patient', (t) => {
  const read = reader(t);
  const values = (cells: readonly string[], options: LabelOptions = {}) =>
    read(rowsOf('label', cells), { endpoint: 'regression', ...options });
  const cells = ['-1.5', '1e-3', '"2,5"', '+7', '.5', '0'];
  assert.deepEqual(values(cells).rows.map(({ value }) => value), [-1.5, 0.001, 2.5, 7, 0.5, 0]); // prettier-ignore
  const refused = (list: readonly string[], message: RegExp) =>
    assert.throws(() => values(list), hasCode('InvalidInput', message));
  refused(['1', '1.0', '01'], /all values of column "label" are 1.*found 1 in 3 rows/);
  refused(
    ['1', 'high', '2'],
    /labels\.csv:3: 1 cell of column "label" is not a number.*line 3 "s1" \(high\)/,
  );
  refused(['1', 'Infinity'], /1 cell of column "label" is not finite/);
  refused(['1', 'NA', '2'], /labels\.csv:3: 1 row has no value.*`unmatched: drop`/);
  assert.deepEqual(values(['1', 'NA', '2'], { unmatched: 'drop' }).unlabeled, [
    { line: 3, name: 's1', text: 'NA', lacks: 'value' },
  ]);
  assert.throws(
    () => read(rowsOf('label,value', ['1,0.2', '0,0.3']), { endpoint: 'regression' }),
    hasCode('InvalidInput', /"label" and "value" may both be the value.*`label-column: value`/),
  );
  const two = ['slide_id,patient,value', 's0,p0,1', 's1,p0,1.0', 's2,p1,3', 's3,p1,4'];
  assert.throws(
    () => read(two, { endpoint: 'regression' }),
    hasCode(
      'InvalidInput',
      /labels\.csv:5: patient "p1" has different values.*p1 \(3 in line 4, 4 in line 5\)/,
    ),
  );
});

test('a table of times without classes is answered with the endpoint', (t) => {
  assert.throws(
    () => reader(t)(rowsOf('os_months,os_event', ['1,1', '2,0'])),
    hasCode('InvalidInput', /no label column.*for times and events set `endpoint: survival`/),
  );
});
