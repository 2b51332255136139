import { errorLines, headline, type ErrorRecord } from '../../domain/errors.js';
import { oneLine } from './render-text.js';

/**
 * Renders an error for the terminal: the statement, and below it one indented line per fact. Control
 * characters are removed, so that text from files and other processes cannot control the terminal.
 */
export function renderError(
  error: Pick<ErrorRecord, 'what' | 'facts'>,
  paintLabel?: (label: string) => string,
): string[] {
  const { what, facts } = error;
  const shown = Object.entries(facts).flatMap(([name, text]: [string, string | undefined]) =>
    text === undefined ? [] : [[name, printable(text)] as const],
  );
  return errorLines({ what: printable(what), facts: Object.fromEntries(shown) }, paintLabel);
}

/** `CorruptSlide: a.svs: the slide is damaged`, for places with room for one line. */
export function renderHeadline(error: ErrorRecord): string {
  return oneLine(`${error.code}: ${headline(error)}`);
}

function printable(text: string): string {
  return text.split('\n').map(oneLine).join('\n');
}
