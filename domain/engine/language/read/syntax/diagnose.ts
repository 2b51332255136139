import { indentRepairs } from './indent-repairs.js';
import { indentOf, lineRepairs, type Repair } from './line-repairs.js';

/** The mistake that most likely makes a text unreadable as YAML. `line` counts from 0. */
export interface Diagnosis {
  line: number;
  column: number;
  message: string;
  hint?: string;
}

/** How far a text can be read. */
export interface Readable {
  /** Index of the line of the first syntax error; Infinity if there is none. */
  line: number;
  /** Number of faults in what was read, if there is no syntax error. */
  faults: number;
}

/** Each try reads the whole text: fewer are made of a long one. In UTF-16 code units. */
const MAX_READ = 3_000_000;
const MAX_TRIES = 400;
/** Tries after the first change with which the text can be read: a later one may leave fewer faults. */
const MORE_TRIES = 100;
/** Different indentations of a file that are tried. */
const MAX_LEVELS = 16;
/** Lines above an error in which its cause is searched. */
const ABOVE = 14;

/**
 * Searches the change of a line or two near the first error after which the text can be read furthest, with
 * the fewest faults: that is where the mistake is, and what to write there.
 *
 * @param noticed index of the line where the text became unreadable
 * @param places indices of lines to begin at: that line, or where the text or bracket begins that it is in
 * @returns undefined if no such change helps
 */
export function diagnose(
  text: string,
  noticed: number,
  places: readonly number[],
  read: (text: string) => Readable,
): Diagnosis | undefined {
  const lines = text.split(/\r?\n/);
  let best: { repair: Repair; after: Readable } | undefined;
  let left = Math.min(MAX_TRIES, MAX_READ / text.length);
  for (const repair of candidates(lines, places)) {
    if (left-- <= 0) break;
    const changed = [...lines];
    changed.splice(repair.line, repair.lines.length, ...repair.lines);
    if (startsDeep(changed) && !startsDeep(lines)) continue;
    const after = read(changed.join('\n'));
    if (after.line <= noticed) continue;
    if (after.line === Infinity) left = Math.min(left, MORE_TRIES);
    if (best === undefined || isBetter(after, best.after)) best = { repair, after };
    if (after.line === Infinity && after.faults === 0) break;
  }
  if (best === undefined) return undefined;
  const { line, at: column, message, hint } = best.repair;
  return { line, column, message, hint };
}

/** The first key of a file is almost never indented. */
function startsDeep(lines: readonly string[]): boolean {
  return indentOf(lines.find(hasContent) ?? '') > 0;
}

function isBetter(a: Readable, b: Readable): boolean {
  return a.line > b.line || (a.line === b.line && a.faults < b.faults);
}

/** Repairs near the error, those of the nearest lines first. */
function* candidates(lines: readonly string[], places: readonly number[]): Generator<Repair> {
  const near = nearLines(lines, places);
  const levels = [...new Set(lines.filter(hasContent).map(indentOf))].slice(0, MAX_LEVELS);
  for (const index of near) {
    const own = indentOf(lines[index]);
    yield* lineRepairs(lines, index);
    const sorted = [...levels].sort((a, b) => Math.abs(a - own) - Math.abs(b - own));
    yield* indentRepairs(lines, index, sorted);
  }
}

/** Lines with content, the nearest to the error and those that it is nested in first. */
function nearLines(lines: readonly string[], places: readonly number[]): number[] {
  const [noticed, ...others] = places;
  // The parser notices a mistake at the end of what it read; the next line is what it cannot take.
  const next = lines.findIndex((line, index) => index >= noticed && hasContent(line));
  const start = next < 0 ? lines.length - 1 : next;
  const around = Array.from({ length: ABOVE }, (_, distance) => start - 1 - distance);
  const below = lines.findIndex((line, index) => index > start && hasContent(line));
  const found = [start, start - 1, ...others, ...holdersOf(lines, start), below, ...around];
  return [...new Set(found)].filter((index) => hasContent(lines[index]));
}

/** The lines above that are less and less indented: the keys that a line is nested in. */
function holdersOf(lines: readonly string[], index: number): number[] {
  const found: number[] = [];
  let indent = indentOf(lines[index] ?? '');
  for (let at = index - 1; at >= 0 && indent > 0; at--) {
    if (!hasContent(lines[at]) || indentOf(lines[at]) >= indent) continue;
    indent = indentOf(lines[at]);
    found.push(at);
  }
  return found;
}

function hasContent(line: string | undefined): boolean {
  const text = line?.trim() ?? '';
  return text !== '' && !text.startsWith('#');
}
