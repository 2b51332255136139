import { errorLines, headline, type ErrorRecord } from '../../domain/errors.js';
import { oneLine } from './render-text.js';

/**
 * An error for the terminal: the statement, and under it, indented, a line per fact. Control characters are removed,
 * so text from files and other processes cannot drive the terminal.
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

/** `CorruptSlide: a.svs: the slide is damaged`, where there is room for one line only. */
export function renderHeadline(error: ErrorRecord): string {
  return oneLine(`${error.code}: ${headline(error)}`);
}

function printable(text: string): string {
  return text.split('\n').map(oneLine).join('\n');
}
