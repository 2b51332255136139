import { related } from '../expressions/did-you-mean.js';
import type { Place, Problem } from '../problems/problems.js';

/** A name that a file declares: a param, a stage, a step. */
export interface Declared {
  /** The form of {@link Problem.about}: `param`, `stage`, `step of STAGE`. */
  kind: string;
  name: string;
  place: Place;
  used: boolean;
}

/**
 * Merges the problems about one unknown name into one. If several places refer to a name that does not exist,
 * and a similar one is declared but not used, its declaration is the mistake.
 */
export function mergeRepeated(problems: readonly Problem[], declared: readonly Declared[]): Problem[] {
  const groups = new Map<string, Problem[]>();
  for (const problem of problems) {
    if (problem.about === undefined) continue;
    const key = JSON.stringify(problem.about);
    groups.set(key, [...(groups.get(key) ?? []), problem]);
  }
  const merged = new Map([...groups.values()].map((group) => [group[0], mergedOf(group, declared)]));
  return problems.flatMap((problem) => {
    if (problem.about === undefined) return [problem];
    return merged.get(problem) ?? [];
  });
}

function mergedOf(group: readonly Problem[], declared: readonly Declared[]): Problem {
  const [{ about, ...first }] = group;
  const lines = [...new Set(group.map(({ place }) => place.line))];
  if (about === undefined || group.length === 1) return first;
  const unused = declared.filter(({ kind, used }) => kind === about.kind && !used);
  const meant = related(
    about.name,
    unused.map(({ name }) => name),
  );
  const wrong = unused.find(({ name }) => name === meant);
  if (wrong) {
    const message = `nothing refers to \`${wrong.name}\`, but lines ${joined(lines)} refer to \`${about.name}\`, which does not exist`;
    return { ...first, place: wrong.place, message, hint: `rename it to \`${about.name}\`` };
  }
  const [, ...rest] = lines;
  if (rest.length === 0) return first;
  const also = `also on line${rest.length === 1 ? '' : 's'} ${joined(rest)}`;
  return { ...first, message: `${first.message} (${also})` };
}

const MAX_LINES = 6;

function joined(lines: readonly number[]): string {
  if (lines.length > MAX_LINES)
    return `${lines.slice(0, MAX_LINES).join(', ')} and ${lines.length - MAX_LINES} more`;
  return lines.length < 2 ? String(lines[0]) : `${lines.slice(0, -1).join(', ')} and ${lines.at(-1)}`;
}
