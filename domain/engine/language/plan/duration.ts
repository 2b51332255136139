/**
 * Durations in a pipeline file: `30s`, `5m`, `1.5h`, `2d`. They are passed to Temporal unchanged; its parser
 * accepts these forms. Workflows import this file, so it uses no Node built-ins.
 */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const FORM = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/;

/** Maximum duration. A longer one most likely has a wrong unit. */
export const MAX_DURATION_MS = 365 * UNITS.d;

/**
 * Milliseconds of a duration such as `24h`; undefined if the text is not a duration, is zero, or exceeds a
 * year.
 */
export function durationMs(text: string): number | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const milliseconds = Number(match[1]) * UNITS[match[2]];
  return milliseconds >= 1 && milliseconds <= MAX_DURATION_MS ? milliseconds : undefined;
}

/** The form of a duration, for messages. */
export const DURATION_FORM = 'a number with ms, s, m, h or d, such as 30s or 2h, at most 365d';
