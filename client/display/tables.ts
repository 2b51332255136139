import { formatCsv } from '../../domain/files/csv.js';
import { formatTable } from './render-text.js';
import type { Palette } from './render-status.js';

/** `--md`, `--csv`; neither: aligned columns for a terminal. */
export interface TableOptions {
  md?: boolean;
  csv?: boolean;
}

/**
 * Renders a table for a terminal, a Markdown page or a spreadsheet.
 * @param right columns that a terminal aligns to the right
 */
export function renderTable(
  columns: readonly string[],
  rows: readonly (readonly string[])[],
  { md, csv }: TableOptions,
  palette: Palette,
  right: readonly number[] = [],
): string[] {
  if (csv) {
    const records = rows.map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i] ?? ''])));
    return formatCsv(columns, records).trimEnd().split('\n');
  }
  if (!md) return formatTable([columns.map((name) => palette.bold(name)), ...rows], right);
  const line = (cells: readonly string[]) => `| ${cells.map(escapeCell).join(' | ')} |`;
  const filled = rows.map((row) => columns.map((_, i) => row[i] ?? ''));
  const rule = columns.map((_, i) => (right.includes(i) ? '--:' : '---'));
  return [line(columns), line(rule), ...filled.map(line)];
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replace(/\s+/g, ' ');
}
