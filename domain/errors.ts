/**
 * Every error a person can meet carries a code, the file it is about, what was expected, what was found, and what to do next.
 * This module is imported by workflows too: it must not import any Node built-in.
 */

/** Errors that a retry cannot mend. Temporal gets them as non-retryable failures of this `type`. */
export const NON_RETRYABLE_CODES = [
  'InvalidInput',
  'CorruptSlide',
  'MissingMagnification',
  'CountMismatch',
  'UnsupportedFormat',
  'WeightsMissing',
  'OutputTooLarge',
  'BackendMismatch',
  'ContractBroken',
] as const;

/** Errors that the next attempt may well not see: a killed child, a full disk, a host that was cut off. */
export const RETRYABLE_CODES = ['ChildCrashed', 'DiskFull', 'Superseded', 'Unavailable', 'Internal'] as const;

export type NonRetryableCode = (typeof NON_RETRYABLE_CODES)[number];
export type ErrorCode = NonRetryableCode | (typeof RETRYABLE_CODES)[number];

export interface ErrorFacts {
  /** The file, slide, item or setting the error is about; `path:line:column` where that is known. */
  file?: string;
  expected?: string;
  found?: string;
  /** What the reader should do next: a command to run, a parameter to set, a file to bring. */
  next?: string;
  cause?: unknown;
}

/** The one error class of the domain. `message` is complete by itself: it already names file, expectation, finding and next step. */
export class SamMilError extends Error {
  readonly code: ErrorCode;
  readonly facts: Readonly<ErrorFacts>;

  constructor(code: ErrorCode, what: string, facts: ErrorFacts = {}) {
    super(describe(what, facts), facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = code;
    this.code = code;
    this.facts = facts;
  }

  get retryable(): boolean {
    return isRetryable(this.code);
  }
}

export function isRetryable(code: string): boolean {
  return !(NON_RETRYABLE_CODES as readonly string[]).includes(code);
}

function describe(what: string, facts: ErrorFacts): string {
  const parts = [facts.file === undefined ? what : `${facts.file}: ${what}`];
  if (facts.expected !== undefined) parts.push(`expected ${facts.expected}`);
  if (facts.found !== undefined) parts.push(`found ${facts.found}`);
  if (facts.next !== undefined) parts.push(`Next: ${facts.next}`);
  return parts.join('; ');
}
