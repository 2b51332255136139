import type { ProblemCode } from './problem-codes.js';

/**
 * A place in a pipeline file. Lines and columns are counted from 1; columns are UTF-16 code units, as in
 * editors.
 */
export interface Place {
  line: number;
  column: number;
  /** Length of the marked text, at least 1. */
  length: number;
}

export interface Problem {
  /** Stable code. docs/problems.md lists all codes. */
  code: ProblemCode;
  severity: 'error' | 'warning';
  message: string;
  place: Place;
  /** A suggestion ("did you mean …") or what to do next. */
  hint?: string;
  /** Set if the place is in a params file instead of the pipeline file. */
  file?: string;
  /** While a file is checked: the unknown name that it is about. Removed when such problems are merged. */
  about?: UnknownName;
}

/** A name that does not exist where an expression or a key refers to it. */
export interface UnknownName {
  /** `param`, `stage`, `step of STAGE`, `name in STAGE`. */
  kind: string;
  name: string;
}

export const FIRST_PLACE: Place = { line: 1, column: 1, length: 1 };

/** Collects problems while a file is read and checked. Checking continues after the first problem. */
export class ProblemList {
  private readonly found: Problem[] = [];
  private readonly file: string | undefined;

  /** @param file set for text that is not from the pipeline file */
  constructor(file?: string) {
    this.file = file;
  }

  error(code: ProblemCode, place: Place, message: string, hint?: string): void {
    this.add({ code, severity: 'error', message, place, hint });
  }

  unknown(about: UnknownName, code: ProblemCode, place: Place, message: string, hint?: string): void {
    this.add({ code, severity: 'error', message, place, hint, about });
  }

  warning(code: ProblemCode, place: Place, message: string, hint?: string): void {
    this.add({ code, severity: 'warning', message, place, hint });
  }

  addAll(problems: readonly Problem[]): void {
    this.found.push(...problems);
  }

  /** The problems in file order, those of a params file first, without duplicates. */
  sorted(): Problem[] {
    const seen = new Set<string>();
    return this.found
      .filter((problem) => {
        const key = JSON.stringify(problem);
        return !seen.has(key) && seen.add(key);
      })
      .sort((a, b) => compareFiles(a.file, b.file) || comparePlaces(a.place, b.place));
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

/** The values of a run are read before the pipeline is checked, so their mistakes come first. */
function compareFiles(a: string | undefined, b: string | undefined): number {
  if (a === b) return 0;
  if (a === undefined || b === undefined) return a === undefined ? 1 : -1;
  return a < b ? -1 : 1;
}
