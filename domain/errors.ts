/**
 * Every error a person can meet carries a code, the file it is about, what was expected, what was found, and what to do next.
 * This module is imported by workflows too: it must not import any Node built-in.
 */

interface ErrorKind {
  /** What the command line returns: 1 failed, 2 invalid file or arguments, 3 server unreachable, 130 interrupted. */
  exit: 1 | 2 | 3 | 130;
  /** Whether the next attempt may succeed. Temporal gets the others as non-retryable failures of this `type`. */
  retryable: boolean;
  /** One line for the reference page. */
  meaning: string;
}

/** The one table of error codes: exit codes, retries and the reference page follow from it. */
export const ERRORS = {
  InvalidInput: {
    exit: 2,
    retryable: false,
    meaning: 'A file, a parameter, or an argument cannot be used as it is.',
  },
  CorruptSlide: { exit: 1, retryable: false, meaning: 'A slide file is damaged or incomplete.' },
  MissingMagnification: {
    exit: 1,
    retryable: false,
    meaning: 'A slide does not state its magnification or pixel size, and the pipeline does not set it.',
  },
  CountMismatch: {
    exit: 1,
    retryable: false,
    meaning: 'Files that belong together have different sizes, such as patches and features.',
  },
  UnsupportedFormat: {
    exit: 1,
    retryable: false,
    meaning: 'A file has a format, or a version of it, that this release cannot read.',
  },
  WeightsMissing: {
    exit: 1,
    retryable: false,
    meaning: "A model's weights are not installed on the machine that runs the step.",
  },
  OutputTooLarge: { exit: 1, retryable: false, meaning: 'A step returned values too large for Temporal.' },
  BackendMismatch: {
    exit: 1,
    retryable: false,
    meaning: 'A training was started with another numeric backend than the one available now.',
  },
  ContractBroken: {
    exit: 1,
    retryable: false,
    meaning: 'An activity or a model broke its contract, which is a bug in its plugin.',
  },
  ChildCrashed: {
    exit: 1,
    retryable: true,
    meaning: 'The worker process that ran the step crashed or was killed.',
  },
  DiskFull: { exit: 1, retryable: true, meaning: 'A disk is full, or a quota is used up.' },
  Superseded: {
    exit: 1,
    retryable: true,
    meaning: 'Another attempt or another run took over the same work.',
  },
  Unavailable: {
    exit: 1,
    retryable: true,
    meaning: 'Something the work depends on is missing at the moment: a mount, a download, a worker.',
  },
  Timeout: {
    exit: 1,
    retryable: true,
    meaning: 'A step ran longer than its `timeout`, or its worker stopped responding.',
  },
  ServerUnreachable: {
    exit: 3,
    retryable: true,
    meaning: 'The Temporal server does not answer, or refuses the connection.',
  },
  Interrupted: { exit: 130, retryable: true, meaning: 'A signal, such as Ctrl-C, ended the command.' },
  Internal: { exit: 1, retryable: true, meaning: 'An unexpected error: a bug in sam-mil or in a plugin.' },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

export interface ErrorFacts {
  /** The file, slide, item or setting the error is about; `path:line:column` where that is known. */
  file?: string;
  expected?: string;
  found?: string;
  /** What the reader should do next: a command to run, a parameter to set, a file to bring. */
  next?: string;
}

/**
 * What an error says. Text for people is made of it only where they read it, with {@link errorText} or
 * {@link errorLines}.
 */
export interface ErrorRecord {
  /** An {@link ErrorCode}, or the type of a failure that another program's worker reported. */
  code: string;
  /** The bare statement: what is wrong. */
  what: string;
  facts: ErrorFacts;
}

/** An error as it crosses threads, processes and Temporal, and as `--json` prints it. Made by `encodeError`. */
export interface WireError extends ErrorRecord {
  /** Where it was raised: the lines `    at ...` of the stack. */
  stack?: string;
}

/** The one error class of the domain. `message` is complete by itself: it already names file, expectation, finding and next step. */
export class SamMilError extends Error {
  readonly code: ErrorCode;
  /** The bare statement, without the facts. */
  readonly what: string;
  readonly facts: Readonly<ErrorFacts>;

  constructor(code: ErrorCode, what: string, { cause, ...facts }: ErrorFacts & { cause?: unknown } = {}) {
    super(errorText({ what, facts }), cause === undefined ? undefined : { cause });
    this.name = code;
    this.code = code;
    this.what = what;
    this.facts = facts;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  /** The same error with the place where it came up: `epoch 3, step 12 (bag "a")`. */
  at(where: string): SamMilError {
    return new SamMilError(this.code, `${where}: ${this.what}`, { ...this.facts, cause: this });
  }
}

type Statement = Pick<ErrorRecord, 'what' | 'facts'>;

/** An error on one line: `a.svs: is cut off; expected ...; found ...; Next: ...`. */
export function errorText(error: Statement): string {
  const parts = listFacts(error).map(([label, text]) =>
    label === 'next' ? `Next: ${text}` : `${label} ${text}`,
  );
  return [headline(error), ...parts].join('; ');
}

/** The same without its next step: how one error states another as its finding. */
export function findingText({ what, facts }: Statement): string {
  return errorText({ what, facts: { ...facts, next: undefined } });
}

/** An error as a block of lines: the statement, and under it, indented, a line per fact. */
export function errorLines(error: Statement, paintLabel = (label: string) => label): string[] {
  const width = 'expected'.length;
  const facts = listFacts(error).flatMap(([label, text]) => {
    const [first, ...rest] = text.split('\n');
    const space = ' '.repeat(width);
    return [
      `  ${paintLabel(label.padEnd(width))} ${first}`,
      ...rest.map((line) => `  ${space} ${line}`.trimEnd()),
    ];
  });
  return [...headline(error).split('\n'), ...facts];
}

/** `a.svs: is cut off`. */
export function headline({ what, facts: { file } }: Statement): string {
  return file === undefined ? what : `${file}: ${what}`;
}

/** What is known of an error, in the order in which a person reads it. */
export function listFacts({ facts }: Statement): [label: string, text: string][] {
  const labels = ['expected', 'found', 'next'] as const;
  return labels.flatMap((label): [string, string][] => {
    const text = facts[label];
    return text === undefined ? [] : [[label, text]];
  });
}

/** Whether an error says that a disk or a quota has no room left. */
export function isDiskFull(error: unknown): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
