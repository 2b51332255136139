import { SamMilError } from '../../errors.js';
import { commonSpelling, linesByText, spellingsText } from './label-text.js';

/** A text of a YAML list, which may look like a number or a truth word. */
export type StatedText = string | number | boolean;

/** Which texts of a table mean that the event happened, and which that it did not. */
export interface EventTexts {
  eventValues?: readonly StatedText[];
  censoredValues?: readonly StatedText[];
}

export interface EventCell {
  line: number;
  text: string;
}

export interface EventReader {
  /** Undefined for a text whose meaning is not stated. */
  eventOf: (text: string) => 0 | 1 | undefined;
  /** Texts of the table that mean the event, as written. */
  eventTexts: string[];
  /** Stated texts that no row has. */
  warnings: string[];
  /**
   * @throws SamMilError InvalidInput listing the texts that are not understood and the parameters that would
   *   state them, and for a text with both meanings
   */
  check: () => void;
}

/**
 * Decides what the texts of a column of events mean. Case, spaces and the form of whole numbers do not
 * matter. Without stated texts, 1, true and yes are events, 0, false and no are not. With one stated list
 * only, the one other text of the column has the other meaning.
 *
 * @param cells those of all rows with an event
 */
export function readEvents(
  place: { file: string; column: string },
  cells: readonly EventCell[],
  { eventValues, censoredValues }: EventTexts,
): EventReader {
  const present = new Set(cells.map(({ text }) => commonSpelling(text)));
  const censored = formsOf(censoredValues);
  const meanings = meaningsOf({ event: formsOf(eventValues), censored }, present);
  const eventOf = (text: string) => meanings.get(commonSpelling(text));
  const idle = (name: string, texts: readonly StatedText[] = []) =>
    texts
      .filter((text) => !present.has(commonSpelling(`${text}`)))
      .map((text) => `no row has "${text}" of \`${name}\` in column "${place.column}"`);
  return {
    eventOf,
    eventTexts: [...new Set(cells.map(({ text }) => text))].filter((text) => eventOf(text) === 1).sort(),
    warnings: [...idle('event-values', eventValues), ...idle('censored-values', censoredValues)],
    check: () => {
      refuseBoth(place.file, eventValues, censored);
      const strangers = cells.filter(({ text }) => eventOf(text) === undefined);
      if (strangers.length > 0) throw notUnderstood(place, cells, strangers);
    },
  };
}

function formsOf(texts: readonly StatedText[] | undefined): string[] | undefined {
  return texts?.map((text) => commonSpelling(`${text}`));
}

function meaningsOf(
  { event, censored }: { event?: string[]; censored?: string[] },
  present: ReadonlySet<string>,
): Map<string, 0 | 1> {
  if (event === undefined && censored === undefined) return new Map([['1', 1], ['0', 0]]); // prettier-ignore
  const meanings = new Map<string, 0 | 1>();
  event?.forEach((form) => meanings.set(form, 1));
  censored?.forEach((form) => meanings.set(form, 0));
  const others = [...present].filter((form) => !meanings.has(form));
  if (others.length === 1 && event === undefined) meanings.set(others[0], 1);
  if (others.length === 1 && censored === undefined) meanings.set(others[0], 0);
  return meanings;
}

function refuseBoth(
  file: string,
  events: readonly StatedText[] | undefined,
  censored: readonly string[] | undefined,
): void {
  const both = events?.find((text) => censored?.includes(commonSpelling(`${text}`)));
  if (both === undefined) return;
  throw new SamMilError('InvalidInput', `"${both}" is in \`event-values\` and in \`censored-values\``, {
    file,
    expected: 'each text with one meaning',
  });
}

const LIKE_EVENT = /^1\b|^2$|dead|deceas|died|death|\bevent|happened|progress|recur|relaps|^(t|y)$/i;
const LIKE_CENSORED = /^0\b|alive|living|cens|free|no\b|non|without|^(f|n)$/i;

function notUnderstood(
  { file, column }: { file: string; column: string },
  cells: readonly EventCell[],
  strangers: readonly EventCell[],
): SamMilError {
  const found = linesByText(cells);
  const texts = found.spellings.map(({ text }) => text);
  const censored = texts.filter((text) => LIKE_CENSORED.test(text) || (text === '1' && texts.includes('2')));
  const events = texts.filter((text) => !censored.includes(text) && LIKE_EVENT.test(text));
  const all = censored.length + events.length === texts.length && events.length > 0;
  return new SamMilError('InvalidInput', `column "${column}" has texts whose meaning is not stated`, {
    file: `${file}:${strangers[0].line}`,
    expected: '1 or true for the event, 0 or false for a censored patient, or stated texts',
    found: spellingsText(found),
    next: all
      ? `if this is what they mean, set \`event-values: ${yamlList(events)}\` and \`censored-values: ${yamlList(censored)}\``
      : 'list the texts of patients with the event in `event-values` and the others in `censored-values`',
  });
}

function yamlList(texts: readonly string[]): string {
  return `[${texts.map((text) => JSON.stringify(text)).join(', ')}]`;
}
