import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import cliTruncate from 'cli-truncate';
import stringWidth from 'string-width';

/** Formats a duration: `8s`, `2m 05s`, `3h 12m`, `2d 4h`. */
export function formatDuration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds));
  if (s < 60) return `${s}s`;
  if (s < 3600) return `${Math.floor(s / 60)}m ${pad2(s % 60)}s`;
  if (s < 86_400) return `${Math.floor(s / 3600)}h ${pad2(Math.floor((s % 3600) / 60))}m`;
  return `${Math.floor(s / 86_400)}d ${Math.floor((s % 86_400) / 3600)}h`;
}

/** Formats a size in powers of ten: `512 B`, `3.4 MB`, `1.2 GB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/**
 * Pads columns to their widest cell, not counting color codes. `right` lists the right-aligned columns. The
 * last cell of a short row may extend over the columns that the row lacks.
 */
export function formatTable(rows: readonly (readonly string[])[], right: readonly number[] = []): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = new Array<number>(columns).fill(0);
  for (const row of rows) {
    const own = row.length < columns ? row.slice(0, -1) : row;
    own.forEach((cell, i) => (widths[i] = Math.max(widths[i], stringWidth(cell))));
  }
  return rows.map((row) =>
    row
      .map((cell, i) => {
        const space = ' '.repeat(Math.max(0, widths[i] - stringWidth(cell)));
        return right.includes(i) ? space + cell : cell + space;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Cuts a line so that the terminal does not wrap it; keeps color codes. */
export function clip(line: string, columns: number): string {
  // The cut may fall between two cells.
  return cliTruncate(line, columns).replace(/ {2,}…/, ' …');
}

/** Cuts the lines of a table to the width of the terminal; pipes and files get whole lines. */
export function fitTable(
  lines: readonly string[],
  { isTTY, columns }: { isTTY?: boolean; columns?: number },
): string[] {
  return lines.map((line) =>
    isTTY === true && columns !== undefined && columns > 0 ? clip(line, columns) : line,
  );
}

/** Whether {@link fitTable} cuts a line. */
export function isCut(
  lines: readonly string[],
  { isTTY, columns }: { isTTY?: boolean; columns?: number },
): boolean {
  return (
    isTTY === true &&
    columns !== undefined &&
    columns > 0 &&
    lines.some((line) => stringWidth(line) > columns)
  );
}

/** Puts text from files and other processes on one line, without terminal control characters. */
export function oneLine(text: string): string {
  return stripVTControlCharacters(text)
    .replace(/\s+/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '·')
    .trim();
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** Returns the path relative to the current folder if it is inside it. */
export function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' ? '.' : near.startsWith('..') ? path : near;
}

function pad2(value: number): string {
  return String(value).padStart(2, '0');
}
