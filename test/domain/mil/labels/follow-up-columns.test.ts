import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findFollowUp, readColumnName } from '../../../../domain/mil/labels/follow-up-columns.js';
import { hasCode } from '../support.js';

/** The columns that are found among these. */
function found(names: string, options: { timeColumn?: string; mapped?: boolean } = {}): string {
  const columns = names.split(' | ');
  const settings = { mapped: false, ...options };
  const { time, event } = findFollowUp('t.csv', columns, settings, (_, name) => columns.indexOf(name));
  return `${columns[time]} | ${columns[event]}`;
}

test('times and events are found by the names of published tables', () => {
  for (const [names, expected] of [
    ['slide_id | os_months | os_event', 'os_months | os_event'],
    ['OS_STATUS | OS_MONTHS | AGE', 'OS_MONTHS | OS_STATUS'],
    ['type | vital_status | OS | OS.time', 'OS.time | OS'],
    ['time | event | os_event', 'time | event'],
    ['futime | fustat | age | rx', 'futime | fustat'],
    ['inst | time | status | age | sex', 'time | status'],
    [
      'Overall Survival (Months) | Overall Survival Status',
      'Overall Survival (Months) | Overall Survival Status',
    ],
    ['survival_months | vital_status | site', 'survival_months | vital_status'],
    ['days_to_death | days_to_birth | vital_status', 'days_to_death | vital_status'],
    ['pfs_days | pfs_status | os_status', 'pfs_days | pfs_status'],
    ['days_to_recurrence | recurrence | vital_status', 'days_to_recurrence | recurrence'],
    ['Months of disease-specific survival | DSS status', 'Months of disease-specific survival | DSS status'],
    ['time_to_event | event_indicator', 'time_to_event | event_indicator'],
    ['dfs_time_days | status', 'dfs_time_days | status'],
  ] as const) {
    assert.equal(found(names), expected, names);
  }
  const several = 'OS | OS.time | PFI | PFI.time | vital_status';
  assert.equal(found(several, { timeColumn: 'PFI.time' }), 'PFI.time | PFI');
  assert.equal(found(several, { timeColumn: 'OS.time' }), 'OS.time | OS');
});

test('names that only resemble times and events are not taken for them', () => {
  const names =
    'days_to_birth age_at_diagnosis slide_id oncotree_code bcr_patient_barcode survival stage site disease osteo time_of_day months_old label tumor_status is_female dead_center year';
  for (const name of names.split(' ')) assert.equal(readColumnName(name, 0), undefined, name);
});

test('several candidates are refused with the setting of each, and none with the names that are known', () => {
  const refused = (names: string, message: RegExp, options = {}) =>
    assert.throws(() => found(names, options), hasCode('InvalidInput', message), names);
  refused(
    'os_months | pfs_months | event',
    /"os_months" and "pfs_months" may all be the time.*`time-column: os_months` or `time-column: pfs_months`/,
  );
  refused(
    'time | os_event | pfs_event',
    /may all be the event.*`event-column: os_event` or `event-column: pfs_event`/,
  );
  refused(
    'days_to_death | days_to_last_follow_up | vital_status',
    /may all be the time.*one column with the time to the event or, without an event, to the last follow-up/,
  );
  refused('slide_id | event', /no column of times.*found columns slide_id, event/);
  refused('slide_id | os_months | age', /no column of events.*such as os_event/);
  refused('os_months | pfs_event', /"os_months" and "pfs_event" are of different endpoints/);
  refused('pfs_months | vital_status', /different endpoints/);
  refused('time | event', /"time" cannot be both/, { timeColumn: 'time', eventColumn: 'time' });
});

test('a column of censoring states the reverse, so its texts must be stated', () => {
  for (const name of ['censorship', 'censored', 'is_censored', 'os_censor', 'right-censored']) {
    const columns = `slide_id | survival_months | ${name}`;
    assert.throws(
      () => found(columns),
      hasCode('InvalidInput', new RegExp(`set \`event-column: ${name}\`, \`event-values: \\["0"\\]\``)),
      name,
    );
    assert.equal(found(columns, { mapped: true }), `survival_months | ${name}`);
  }
  assert.equal(found('os_months | os_event | censored'), 'os_months | os_event');
});
