import { SamMilError } from '../../errors.js';
import { columnForm } from './label-text.js';

/** What the name of a column says: a time, an event, or censoring (1: no event), and of which endpoint. */
interface NamedColumn {
  kind: 'time' | 'event' | 'censoring';
  /** `os`, `pfs`, ...; undefined for a name such as `time` or `status`. */
  end?: string;
  /** The name states death, which ends overall survival, but not the endpoint: `vital_status`. */
  implied?: true;
  at: number;
}

/** Endpoints in the form of {@link columnForm}, by the short form that they share. */
const ENDS: Readonly<Record<string, readonly string[]>> = {
  os: ['overallsurvival', 'survival', 'surv', 'death', 'os'],
  pfs: [
    'progressionfreesurvival',
    'progressfreesurvival',
    'progressionfree',
    'progressfree',
    'progression',
    'pfs',
  ],
  pfi: ['progressionfreeinterval', 'pfi'],
  dfs: ['diseasefreesurvival', 'diseasefree', 'dfs'],
  dfi: ['diseasefreeinterval', 'dfi'],
  dss: ['diseasespecificsurvival', 'dss'],
  css: ['cancerspecificsurvival', 'css', 'bcss'],
  rfs: ['recurrencefreesurvival', 'relapsefreesurvival', 'recurrence', 'relapse', 'rfs'],
  efs: ['eventfreesurvival', 'efs'],
  mfs: ['metastasisfreesurvival', 'distantmetastasisfreesurvival', 'mfs', 'dmfs'],
  bcr: ['biochemicalrecurrence', 'bcr'],
  ttp: ['ttp'],
  ttr: ['ttr'],
};

/** Columns of events whose whole name is an endpoint, as in TCGA's `OS` beside `OS.time`. */
const WHOLE_EVENT = /^(os|pfs|pfi|dfs|dfi|dss|css|bcss|rfs|efs|mfs|dmfs|recurrence|relapse|progression)$/;
const UNIT = '(months?|mos?|days?|years?|yrs?|weeks?)';
/** What follows an endpoint. */
const TIME = new RegExp(`^((time|duration|interval)(in)?${UNIT}?|(in)?${UNIT})$`);
const EVENT = /^(event|events|status|observed|indicator|flag)$/;
const CENSORING = /^(is|right)?(cens|censor|censored|censoring|censorship|censorstatus|censoringstatus)$/;
const BARE_TIME = new RegExp(
  `^(time|months|days|duration|tte|futime|eventtime|timetoevent|followup|(time|${UNIT})tolast(followup|contact)|followup(time(in)?)?${UNIT}?|time(in)?${UNIT})$`,
);
const BARE_EVENT = /^(event|events|eventobserved|eventindicator|eventstatus|observed|status|fustat)$/;
const DEATH = /^(vitalstatus|dead|death|died|deceased|isdead|deathevent|eventdeath|deathstatus)$/;
const TIME_TO = new RegExp(`^(?:time|${UNIT})(?:to|of|until)(.*)$`);

/** Reads the name of a column; undefined if it says nothing of follow-up. */
export function readColumnName(name: string, at: number): NamedColumn | undefined {
  const form = columnForm(name);
  if (DEATH.test(form)) return { kind: 'event', end: 'os', implied: true, at };
  if (BARE_TIME.test(form)) return { kind: 'time', at };
  if (BARE_EVENT.test(form)) return { kind: 'event', at };
  if (CENSORING.test(form)) return { kind: 'censoring', at };
  const until = TIME_TO.exec(form)?.[2];
  for (const [end, names] of Object.entries(ENDS)) {
    if (until !== undefined && names.includes(until)) return { kind: 'time', end, at };
    if (names.includes(form)) return WHOLE_EVENT.test(form) ? { kind: 'event', end, at } : undefined;
    for (const start of names.filter((start) => form.startsWith(start))) {
      const rest = form.slice(start.length);
      if (TIME.test(rest)) return { kind: 'time', end, at };
      if (EVENT.test(rest)) return { kind: 'event', end, at };
      if (CENSORING.test(rest)) return { kind: 'censoring', end, at };
    }
  }
  return undefined;
}

/** Where times and events are in the rows. */
export interface FollowUpColumns {
  time: number;
  event: number;
}

export interface FollowUpNames {
  timeColumn?: string;
  eventColumn?: string;
  /** Whether texts of events are stated, so that a column of censoring can be read. */
  mapped: boolean;
}

/**
 * Finds the columns of times and events by usual names (`os_months`, `survival_months`, `OS.time`;
 * `os_event`, `status`, `vital_status`). Of several columns of events, that of the endpoint of the time is
 * used.
 *
 * @param find finds a column that the options name
 * @throws SamMilError InvalidInput naming the candidates where none or several fit, where time and event
 *   belong to different endpoints, and for a column of censoring without stated texts
 */
export function findFollowUp(
  path: string,
  first: readonly string[],
  { timeColumn, eventColumn, mapped }: FollowUpNames,
  find: (what: 'time' | 'event', name: string) => number,
): FollowUpColumns {
  const named = first.flatMap((name, at) => readColumnName(name, at) ?? []);
  const place = { file: path, first };
  const time =
    timeColumn === undefined ? onlyTime(named, place) : columnAt(find('time', timeColumn), named, 'time');
  const event =
    eventColumn === undefined
      ? onlyEvent(named, time, place)
      : columnAt(find('event', eventColumn), named, 'event');
  if (event.at === time.at) throw sameColumn(first[time.at], path);
  if (event.kind === 'censoring' && !mapped) throw reversed(first[event.at], place);
  return { time: time.at, event: event.at };
}

interface Place {
  file: string;
  first: readonly string[];
}

function columnAt(at: number, named: readonly NamedColumn[], kind: 'time' | 'event'): NamedColumn {
  return named.find((column) => column.at === at) ?? { kind, at };
}

function onlyTime(named: readonly NamedColumn[], { file, first }: Place): NamedColumn {
  const times = named.filter(({ kind }) => kind === 'time');
  if (times.length === 1) return times[0];
  const found = times.map(({ at }) => first[at]);
  if (times.length === 0) {
    throw new SamMilError('InvalidInput', 'no column of times', {
      file,
      expected: 'a column such as os_months, survival_months, OS.time or time',
      found: `columns ${first.join(', ')}`,
      next: 'rename the column, or set `time-column`',
    });
  }
  const halves = found.some((name) => /death$/i.test(name)) && found.some((name) => /follow/i.test(name));
  throw new SamMilError('InvalidInput', `${quoted(found)} may all be the time`, {
    file,
    expected: 'one column of times',
    found: found.join(', '),
    next: halves
      ? 'write one column with the time to the event or, without an event, to the last follow-up, and name it in `time-column`'
      : `set ${found.map((name) => `\`time-column: ${name}\``).join(' or ')}`,
  });
}

function onlyEvent(columns: readonly NamedColumn[], time: NamedColumn, { file, first }: Place): NamedColumn {
  const events = columns.filter(({ kind, at }) => kind !== 'time' && at !== time.at);
  const stated = events.filter(({ kind }) => kind === 'event');
  const same = stated.filter(({ end }) => end === time.end);
  const named = same.filter(({ implied }) => !implied);
  const general = stated.filter(({ end }) => end === undefined);
  const candidates = [named, same, general, stated, events].find((some) => some.length > 0) ?? [];
  if (candidates.length === 0) {
    throw new SamMilError('InvalidInput', 'no column of events', {
      file,
      expected: 'a column such as os_event, os_status, event, status or vital_status',
      found: `columns ${first.join(', ')}`,
      next: 'rename the column, or set `event-column`',
    });
  }
  const names = candidates.map(({ at }) => first[at]);
  const settings = names.map((name) => `\`event-column: ${name}\``).join(' or ');
  if (candidates.length > 1) {
    throw new SamMilError('InvalidInput', `${quoted(names)} may all be the event`, {
      file,
      expected: `one column of events for the times in "${first[time.at]}"`,
      found: names.join(', '),
      next: `set ${settings}`,
    });
  }
  const [event] = candidates;
  if (event.end !== undefined && time.end !== undefined && event.end !== time.end) {
    throw new SamMilError(
      'InvalidInput',
      `"${first[time.at]}" and "${names[0]}" are of different endpoints`,
      {
        file,
        expected: `the event that ends the times in "${first[time.at]}"`,
        found: `columns ${first.join(', ')}`,
        next: `set \`event-column\` to the column of that event, or ${settings} if it is that one`,
      },
    );
  }
  return event;
}

function sameColumn(name: string, file: string): SamMilError {
  return new SamMilError('InvalidInput', `"${name}" cannot be both the time and the event`, {
    file,
    expected: 'a column of times and another one of events',
    found: `"${name}" for both`,
    next: 'correct `time-column` or `event-column`',
  });
}

/** Column names such as `censorship` state the reverse: 1 for a patient without the event. */
function reversed(name: string, { file }: Place): SamMilError {
  return new SamMilError('InvalidInput', `column "${name}" may state 1 for censored patients`, {
    file,
    expected: 'stated texts for the event, because its name says the reverse of an event column',
    found: `column "${name}" without \`event-values\``,
    next: `if 1 means censored, set \`event-column: ${name}\`, \`event-values: ["0"]\` and \`censored-values: ["1"]\``,
  });
}

function quoted(names: readonly string[]): string {
  const all = names.map((name) => `"${name}"`);
  return `${all.slice(0, -1).join(', ')} and ${all[all.length - 1]}`;
}
