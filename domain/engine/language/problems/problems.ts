import type { ProblemCode } from './problem-codes.js';

/** A place in a pipeline file; lines and columns count from 1, columns in UTF-16 units as editors do. */
export interface Place {
  line: number;
  column: number;
  /** Length of the marked text, at least 1. */
  length: number;
}

export interface Problem {
  /** Stable code; all are listed in docs/problems.md. */
  code: ProblemCode;
  severity: 'error' | 'warning';
  message: string;
  place: Place;
  /** "did you mean" or what to do next. */
  hint?: string;
  /** Set where the place lies in another file than the pipeline: a params file. */
  file?: string;
}

export const FIRST_PLACE: Place = { line: 1, column: 1, length: 1 };

/** Collects problems while a file is read and checked; nothing stops at the first one. */
export class ProblemList {
  private readonly found: Problem[] = [];
  private readonly file: string | undefined;

  /** `file` is set for text that is not the pipeline's own. */
  constructor(file?: string) {
    this.file = file;
  }

  error(code: ProblemCode, place: Place, message: string, hint?: string): void {
    this.add({ code, severity: 'error', message, place, hint });
  }

  warning(code: ProblemCode, place: Place, message: string, hint?: string): void {
    this.add({ code, severity: 'warning', message, place, hint });
  }

  addAll(problems: readonly Problem[]): void {
    this.found.push(...problems);
  }

  /** In the order of the file, each once. */
  sorted(): Problem[] {
    const seen = new Set<string>();
    return this.found
      .filter((problem) => {
        const key = JSON.stringify(problem);
        return !seen.has(key) && seen.add(key);
      })
      .sort((a, b) => compareText(a.file ?? '', b.file ?? '') || comparePlaces(a.place, b.place));
  }

  private add(problem: Problem): void {
    if (problem.hint === undefined) delete problem.hint;
    this.found.push(this.file === undefined ? problem : { ...problem, file: this.file });
  }
}

export function hasErrors(problems: readonly Problem[]): boolean {
  return problems.some((problem) => problem.severity === 'error');
}

function comparePlaces(a: Place, b: Place): number {
  return a.line - b.line || a.column - b.column;
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
