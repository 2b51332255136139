import { SamMilError } from '../../errors.js';
import { readEvents, type EventReader } from './event-texts.js';
import { readColumnName } from './follow-up-columns.js';
import { checked, groupColumnOf, rowChecks, type TextTable } from './label-rows.js';
import { isMissing } from './label-text.js';
import type { LabelOptions, LabelRow, LabelTable } from './label-table.js';
import {
  numberOf,
  refuseDifferent,
  refuseInfinite,
  refuseLacking,
  refuseNegative,
  refuseText,
  type CellRow,
  type LackingRow,
  type ShownRow,
} from './quantity-rows.js';

type FollowUpRow = CellRow & { event: string };

/**
 * Reads times and events. Times keep their unit. Rows without both are listed with `unmatched: drop`.
 *
 * @throws SamMilError InvalidInput, with all faults of the file: an event without a time, a time without an
 *   event, a time that is text, negative or not finite, texts of events that are not understood, patients
 *   with different follow-up, and a table without any event
 */
export function readSurvival(table: TextTable, options: LabelOptions): LabelTable {
  const { file, columns, first } = table;
  const { outcome, event = outcome } = columns;
  const [timeColumn, eventColumn] = [first[outcome], first[event]];
  const unknown = unknownEvent(options);
  const all = table.rows.map((row) => ({ ...row, text: row.cells[outcome], event: row.cells[event] }));
  const timed = all.filter(({ text }) => !isMissing(text));
  const stated = all.filter((row) => !unknown(row.event));
  const rows = timed.filter((row) => !unknown(row.event));
  const lacking = all.flatMap((row) => lackOf(row, unknown(row.event)));
  const lackingRefused = options.unmatched !== 'drop';
  const cells = stated.map(({ line, event }) => ({ line, text: event }));
  const reader = readEvents({ file, column: eventColumn }, cells, options);
  const [nameless, repeats, ...patients] = rowChecks(table, rows);
  checked(file, [
    nameless,
    repeats,
    ...(lackingRefused ? lackingChecks(file, lacking) : []),
    ...patients,
    () => refuseText(file, timeColumn, timed),
    () => refuseInfinite(file, timeColumn, timed),
    () => refuseNegative(file, timeColumn, timed),
    () => reader.check(),
    // Rows without follow-up may have the event.
    () =>
      options.mayNotVary === true ||
      (lackingRefused && lacking.length > 0) ||
      refuseNoEvent(file, eventColumn, rows, reader),
    () => refuseOnlyEvents(file, timeColumn, all, reader),
    () => refuseDifferent(file, 'times or events', rows.flatMap((row) => shownFollowUp(row, reader))), // prettier-ignore
  ]);
  const groupColumn = groupColumnOf(table);
  return {
    ...{ file, endpoint: 'survival', classes: [], quantity: timeColumn },
    events: { column: eventColumn, texts: reader.eventTexts },
    ...(groupColumn !== undefined && { groupColumn }),
    rows: rows.flatMap((row) => labelRows(row, reader)),
    unlabeled: lacking.map(({ line, name, text, lacks }) => ({ line, name, text, lacks })),
    warnings: [...reader.warnings, ...reversedWarning(eventColumn, reader)],
  };
}

/** The name of a column of censoring says that 1 is censored. */
function reversedWarning(column: string, reader: EventReader): string[] {
  if (readColumnName(column, 0)?.kind !== 'censoring' || reader.eventOf('1') !== 1) return [];
  return [`column "${column}" is read with 1 as the event, although its name says that 1 is censored`];
}

/** A text that is listed as an event or as censored is known. */
function unknownEvent({ eventValues = [], censoredValues = [] }: LabelOptions): (text: string) => boolean {
  const listed = new Set([...eventValues, ...censoredValues].map(String));
  return (text) => isMissing(text) && !listed.has(text);
}

function lackOf(row: FollowUpRow, noEvent: boolean): LackingRow[] {
  const noTime = isMissing(row.text);
  if (!noTime && !noEvent) return [];
  const lacks = noTime && noEvent ? 'time and event' : noTime ? 'time' : 'event';
  const text = noTime && !noEvent ? `event ${row.event}` : !noTime ? `time ${row.text}` : row.text;
  return [{ ...row, lacks, text }];
}

function lacking(what: string): { expected: string; next: string } {
  return {
    expected: 'a time in each row, and whether the event happened',
    next: `add ${what}, or set \`unmatched: drop\` to omit these slides`,
  };
}

function lackingChecks(file: string, rows: readonly LackingRow[]): (() => void)[] {
  const of = (lack: string) => rows.filter(({ lacks }) => lacks === lack);
  return [
    () => refuseLacking(file, 'no time, although the event is stated', of('time'), lacking('the times')),
    () => refuseLacking(file, 'no event, although the time is stated', of('event'), lacking('the events')),
    () => refuseLacking(file, 'no time and no event', of('time and event'), lacking('times and events')),
  ];
}

function refuseNoEvent(
  file: string,
  column: string,
  rows: readonly FollowUpRow[],
  { eventOf }: EventReader,
): void {
  if (rows.length === 0) throw new SamMilError('InvalidInput', 'no row has a time and an event', { file });
  if (rows.some(({ event }) => eventOf(event) !== 0)) return;
  const texts = [...new Set(rows.map(({ event }) => event))];
  throw new SamMilError('InvalidInput', 'all patients are censored', {
    file,
    expected: `patients with the event in column "${column}"`,
    found: `${rows.length} rows with ${texts.map((text) => `"${text}"`).join(', ')}`,
    next: 'check `event-column`, and which text means the event (`event-values`)',
  });
}

/** A column such as `days_to_death` has no times of the living. Without these, survival has no meaning. */
function refuseOnlyEvents(
  file: string,
  column: string,
  rows: readonly FollowUpRow[],
  { eventOf }: EventReader,
): void {
  const censored = rows.filter(({ event }) => eventOf(event) === 0);
  if (censored.length === 0 || censored.some(({ text }) => !isMissing(text))) return;
  throw new SamMilError('InvalidInput', `column "${column}" has no times of censored patients`, {
    file: `${file}:${censored[0].line}`,
    expected: 'the time to the last follow-up for patients without the event',
    found: `${censored.length} censored ${censored.length === 1 ? 'row' : 'rows'}, none with a time`,
    next: 'write both kinds of times into one column, and name it in `time-column`; or remove these rows',
  });
}

function shownFollowUp({ line, group, text, event }: FollowUpRow, { eventOf }: EventReader): ShownRow[] {
  const [time, happened] = [numberOf(text), eventOf(event)];
  if (Number.isNaN(time) || happened === undefined) return [];
  const shown = `${time} ${happened === 1 ? 'with' : 'without'} event`;
  return [{ line, shown, ...(group !== undefined && { group }) }];
}

/** One row; none for an event that is not understood, which the checks refuse. */
function labelRows(row: FollowUpRow, { eventOf }: EventReader): LabelRow[] {
  const { line, name, text, event: written, group, ignoredGroup } = row;
  const event = eventOf(written);
  if (event === undefined) return [];
  const followUp = { time: numberOf(text), event };
  return [
    {
      ...{ line, name, label: 0, followUp },
      ...(group !== undefined && { group }),
      ...(ignoredGroup !== undefined && { ignoredGroup }),
    },
  ];
}
