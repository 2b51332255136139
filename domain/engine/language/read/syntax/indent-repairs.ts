import { indentOf, type Repair } from './line-repairs.js';

/** Repairs of the indentation of the line at `index`, alone and with the lines below it. */
export function indentRepairs(lines: readonly string[], index: number, levels: readonly number[]): Repair[] {
  const own = indentOf(lines[index]);
  const others = levels.filter((level) => level !== own);
  const children = lastChild(lines, index) - index + 1;
  const run = lastOfRun(lines, index) - index + 1;
  const counts = [...new Set([1, children, run])];
  const moved = others.flatMap((level) => counts.map((count) => shifted(lines, index, count, level)));
  return [...moved, ...withoutDashes(lines, index)];
}

/** Index of the last line that is deeper than the one at `index`. */
function lastChild(lines: readonly string[], index: number): number {
  const own = indentOf(lines[index]);
  let last = index;
  for (let at = index + 1; at < lines.length; at++) {
    if (lines[at].trim() === '') continue;
    if (indentOf(lines[at]) <= own) break;
    last = at;
  }
  return last;
}

/** Index of the last line of the block that begins at `index`: those that are at least as deep. */
function lastOfRun(lines: readonly string[], index: number): number {
  const own = indentOf(lines[index]);
  let last = index;
  for (let at = index + 1; at < lines.length; at++) {
    if (lines[at].trim() === '') continue;
    if (indentOf(lines[at]) !== own) break;
    last = at;
  }
  return last;
}

function shifted(lines: readonly string[], index: number, count: number, level: number): Repair {
  const own = indentOf(lines[index]);
  const moved = lines.slice(index, index + count).map((line) => {
    const indent = Math.max(0, indentOf(line) + level - own);
    return line.trim() === '' ? line : ' '.repeat(indent) + line.trimStart();
  });
  const [name] = /^(?:- )?[^\s:]+/.exec(lines[index].trimStart()) ?? ['this line'];
  const same = lines.slice(index + 1, index + count).every((line) => indentOf(line) === own);
  const next = count === 2 ? 'the next line' : `the next ${count - 1} lines`;
  const which = count === 1 ? 'it' : same ? `it and ${next}` : 'it and the lines below it';
  return {
    line: index,
    lines: moved,
    at: own,
    message: `\`${name}\` is not indented like its neighbors, found ${spaces(own)}`,
    hint: level === 0 ? `do not indent ${which}` : `indent ${which} by ${spaces(level)}`,
  };
}

function spaces(count: number): string {
  return count === 1 ? '1 space' : `${count} spaces`;
}

/** `- checkpoint: x` where the lines below are keys of a mapping. */
function withoutDashes(lines: readonly string[], index: number): Repair[] {
  const own = indentOf(lines[index]);
  const dash = `${' '.repeat(own)}- `;
  let last = index;
  while (last + 1 < lines.length && lines[last + 1].startsWith(dash)) last++;
  const run = lines.slice(index, last + 1);
  if (!lines[index].startsWith(dash)) return [];
  const message = 'the keys of a mapping have no `-` before them';
  const next = lines.slice(last + 1).find((line) => line.trim() !== '');
  const deeper = next !== undefined && indentOf(next) === own + 2;
  const removed = run.map((line) => ' '.repeat(own) + line.slice(own + 2));
  const kept = run.map((line) => `${' '.repeat(own + (deeper ? 2 : 0))}${line.slice(own + 2)}`);
  return [removed, kept].map((changed) => ({
    line: index,
    lines: changed,
    at: own,
    message,
    hint: `write ${removed[0].trim()}`,
  }));
}
