import { SamMilError } from '../../errors.js';
import { readEvents, type EventReader } from './event-texts.js';
import { checked, groupColumnOf, rowChecks, type TextTable } from './label-rows.js';
import { isMissing } from './label-text.js';
import type { LabelOptions, LabelRow, LabelTable } from './label-table.js';
import {
  numberOf,
  refuseCells,
  refuseDifferent,
  refuseInfinite,
  refuseLacking,
  refuseNumbers,
  type CellRow,
  type LackingRow,
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
  const all = table.rows.map((row) => ({ ...row, text: row.cells[outcome], event: row.cells[event] }));
  const unknown = unknownEvent(options);
  const lacking = all.flatMap((row) => lackOf(row, unknown(row.event)));
  const rows = all.filter((row) => !isMissing(row.text) && !unknown(row.event));
  let reader: EventReader | undefined;
  const [nameless, repeats, ...patients] = rowChecks(table, rows);
  const made = checked(file, [
    nameless,
    repeats,
    ...(options.unmatched === 'drop' ? [] : lackingChecks(file, lacking)),
    ...patients,
    () => refuseNumbers(file, timeColumn, all.filter(({ text }) => !isMissing(text))), // prettier-ignore
    () => refuseInfinite(file, timeColumn, rows),
    () => refuseNegative(file, timeColumn, rows),
    () => {
      const cells = all.filter((row) => !unknown(row.event)).map(({ line, event: text }) => ({ line, text }));
      reader = readEvents({ file, column: eventColumn }, cells, options);
      refuseNoEvent(file, eventColumn, rows, reader);
    },
    () => {
      const known = reader;
      if (known === undefined) return [];
      const followed = rows.map((row) => labelRow(row, known));
      refuseDifferent(
        file,
        'times or events',
        followed.map((row) => ({ ...row, shown: `${row.followUp.time} ${row.followUp.event === 1 ? 'with' : 'without'} event` })), // prettier-ignore
      );
      return followed;
    },
  ]);
  const groupColumn = groupColumnOf(table);
  return {
    ...{ file, endpoint: 'survival', classes: [], quantity: timeColumn, eventColumn },
    ...(groupColumn !== undefined && { groupColumn }),
    rows: made,
    unlabeled: lacking.map(({ line, name, text, lacks }) => ({ line, name, text, lacks })),
    warnings: reader?.warnings ?? [],
  };
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

const OMIT = 'or set `unmatched: drop` to omit these slides';

function lackingChecks(file: string, rows: readonly LackingRow[]): (() => void)[] {
  const of = (lack: string) => rows.filter(({ lacks }) => lacks === lack);
  return [
    () => refuseLacking(file, 'an event without a time', of('time'), `add the times, ${OMIT}`),
    () => refuseLacking(file, 'a time without an event', of('event'), `add 1 or 0, ${OMIT}`),
    () => refuseLacking(file, 'no follow-up', of('time and event'), `add times and events, ${OMIT}`),
  ];
}

function refuseNegative(file: string, column: string, rows: readonly CellRow[]): void {
  refuseCells(rows, ({ text }) => numberOf(text) < 0, (cells) => ({
    what: `column "${column}" has ${cells} that are negative`,
    file,
    expected: 'times of at least 0',
    next: 'correct the times, or leave the cells empty where they are not known',
  })); // prettier-ignore
}

function refuseNoEvent(
  file: string,
  column: string,
  rows: readonly FollowUpRow[],
  reader: EventReader,
): void {
  if (rows.length === 0) throw new SamMilError('InvalidInput', 'no row has a time and an event', { file });
  if (rows.some(({ event }) => reader.eventOf(event) === 1)) return;
  const texts = [...new Set(rows.map(({ event }) => event))];
  throw new SamMilError('InvalidInput', 'all patients are censored', {
    file,
    expected: `patients with the event in column "${column}"`,
    found: `${rows.length} rows with ${texts.map((text) => `"${text}"`).join(', ')}`,
    next: 'check `event-column`, and which text means the event (`event-values`)',
  });
}

function labelRow({ line, name, text, event, group, ignoredGroup }: FollowUpRow, reader: EventReader) {
  return {
    ...{ line, name, label: 0, followUp: { time: numberOf(text), event: reader.eventOf(event) } },
    ...(group !== undefined && { group }),
    ...(ignoredGroup !== undefined && { ignoredGroup }),
  } satisfies LabelRow;
}
