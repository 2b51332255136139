import { SamMilError } from '../../errors.js';
import { columnForm } from './label-text.js';

/** What the name of a column says: a time, an event, or censoring (1: no event), and of which endpoint. */
interface NamedColumn {
  kind: 'time' | 'event' | 'censoring';
  /** `os`, `pfs`, ...; undefined for a name such as `time` or `status`. */
  end?: string;
  at: number;
}

/** Names of endpoints, and the short form that they share. */
const ENDS: readonly (readonly [form: string, end: string])[] = [
  ['overallsurvival', 'os'],
  ['survival', 'os'],
  ['surv', 'os'],
  ['death', 'os'],
  ['os', 'os'],
  ['progressionfreesurvival', 'pfs'],
  ['progressfreesurvival', 'pfs'],
  ['progressionfreeinterval', 'pfi'],
  ['progression', 'pfs'],
  ['diseasefreesurvival', 'dfs'],
  ['diseasefreeinterval', 'dfi'],
  ['diseasespecificsurvival', 'dss'],
  ['cancerspecificsurvival', 'css'],
  ['recurrencefreesurvival', 'rfs'],
  ['relapsefreesurvival', 'rfs'],
  ['recurrence', 'rfs'],
  ['relapse', 'rfs'],
  ['eventfreesurvival', 'efs'],
  ['metastasisfreesurvival', 'mfs'],
  ...['pfs', 'pfi', 'dfs', 'dfi', 'dss', 'css', 'bcss', 'rfs', 'efs', 'mfs', 'dmfs', 'bcr', 'ttp', 'ttr'].map(
    (end) => [end, end] as const,
  ),
];

const TIME = /^(time|times|months?|mos?|days?|years?|yrs?|weeks?|duration|interval)$/;
const BARE_TIME =
  /^(time|times|months|days|survtime|timetoevent|eventtime|tte|duration|futime|followup(time|months|days|years)?|(months|days)tolastfollow-?up|(time|days|months|years)(to)?(event|lastfollowup|lastcontact))$/;
const EVENT = /^(event|events|status|observed|indicator|e|flag)$/;
const BARE_EVENT = /^(event|events|eventobserved|eventindicator|eventstatus|observed|status|fustat)$/;
const DEATH = /^(vitalstatus|dead|death|died|deceased|isdead|deathevent|eventdeath|deathstatus)$/;
const CENSORING = /^(is|right)?(cens|censor|censored|censoring|censorship|censorstatus|censoringstatus)$/;

/** Reads the name of a column; undefined if it says nothing of follow-up. */
export function readColumnName(name: string, at: number): NamedColumn | undefined {
  const form = columnForm(name);
  if (BARE_TIME.test(form)) return { kind: 'time', at };
  if (BARE_EVENT.test(form)) return { kind: 'event', at };
  if (CENSORING.test(form)) return { kind: 'censoring', at };
  if (DEATH.test(form)) return { kind: 'event', end: 'os', at };
  // `days_to_death`, `months to progression`, `time_to_recurrence`.
  const [, until] = /^(?:days|months|weeks|years|time)to(?:first|new)?(.*)$/.exec(form) ?? [];
  const goal = ENDS.find(([ending]) => ending === until)?.[1];
  if (goal !== undefined) return { kind: 'time', end: goal, at };
  for (const [start, end] of ENDS) {
    if (form === end && end !== 'bcr') return { kind: 'event', end, at };
    if (!form.startsWith(start)) continue;
    const rest = form.slice(start.length);
    if (TIME.test(rest)) return { kind: 'time', end, at };
    if (EVENT.test(rest)) return { kind: 'event', end, at };
    if (CENSORING.test(rest)) return { kind: 'censoring', end, at };
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

function onlyEvent(named: readonly NamedColumn[], time: NamedColumn, { file, first }: Place): NamedColumn {
  const events = named.filter(({ kind, at }) => kind !== 'time' && at !== time.at);
  const stated = events.filter(({ kind }) => kind === 'event');
  const same = (columns: readonly NamedColumn[]) => columns.filter(({ end }) => end === time.end);
  const candidates = [same(stated), stated, events].find((columns) => columns.length > 0) ?? [];
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
