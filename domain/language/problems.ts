/** A place in a pipeline file; lines and columns count from 1. */
export interface Place {
  line: number;
  column: number;
  /** Length of the marked text, at least 1. */
  length: number;
}

export interface Problem {
  /** Stable code: `unknown-key`, `wrong-type`, `missing-need`, `cycle`, `bad-expression`, `duplicate-id`, ... listed in docs/problems.md. */
  code: string;
  severity: 'error' | 'warning';
  message: string;
  place: Place;
  /** "did you mean" or what to do next. */
  hint?: string;
}
