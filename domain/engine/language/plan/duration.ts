/**
 * Durations as people write them in a pipeline: `30s`, `5m`, `1.5h`, `2d`. They are handed to Temporal as they stand, whose
 * parser knows these forms too. Imported by workflows: no Node built-in here.
 */

const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const FORM = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/;

/** Longest duration taken: beyond it a unit was mistaken. */
export const LONGEST_DURATION_MS = 365 * UNITS.d;

/** Milliseconds of a duration such as `24h`; undefined where the text is none, is zero, or is longer than a year. */
export function durationMs(text: string): number | undefined {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const milliseconds = Number(match[1]) * UNITS[match[2]];
  return milliseconds >= 1 && milliseconds <= LONGEST_DURATION_MS ? milliseconds : undefined;
}

/** What a duration looks like, for messages. */
export const DURATION_FORM = 'a number with ms, s, m, h or d, such as 30s or 2h, at most 365d';
