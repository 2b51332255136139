/**
 * Every error that is shown to a user has a code, the affected file, what was expected, what was found, and
 * what to do next. Workflows import this module, so it uses no Node built-ins.
 */

interface ErrorKind {
  /**
   * Exit code of the command line: 1 failed, 2 invalid file or arguments, 3 server unreachable, 130
   * interrupted.
   */
  exit: 1 | 2 | 3 | 130;
  /**
   * Whether the next attempt may succeed. Temporal receives the other errors as non-retryable failures of
   * this `type`.
   */
  retryable: boolean;
  /** One sentence for the reference page. */
  meaning: string;
}

/** The error codes. Exit codes, retries and the reference page are derived from this table. */
export const ERRORS = {
  InvalidInput: {
    exit: 2,
    retryable: false,
    meaning: 'A file, parameter or argument is invalid.',
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
    meaning: 'A file has a format or format version that this release cannot read.',
  },
  WeightsMissing: {
    exit: 1,
    retryable: false,
    meaning: "A model's weights are not installed on the machine that runs the step.",
  },
  OutputDamaged: {
    exit: 1,
    retryable: false,
    meaning: 'A file that a finished step wrote was changed or deleted; `resume` makes it again.',
  },
  OutputTooLarge: {
    exit: 1,
    retryable: false,
    meaning: 'A step returned values that are too large for Temporal.',
  },
  BackendMismatch: {
    exit: 1,
    retryable: false,
    meaning: 'A training was started with a numeric backend other than the one that is available now.',
  },
  ContractBroken: {
    exit: 1,
    retryable: false,
    meaning:
      'An activity, a model or the program of a command violated its contract. This is a bug in its plugin or program.',
  },
  ChildCrashed: {
    exit: 1,
    retryable: true,
    meaning: 'The worker process that ran the step crashed or was killed.',
  },
  CommandFailed: {
    exit: 1,
    retryable: true,
    meaning: 'The program of a `pipeline.command` step ended with an error.',
  },
  Stalled: {
    exit: 1,
    retryable: true,
    meaning: 'A step made no progress for longer than its `stall`, and its process was killed.',
  },
  DiskFull: { exit: 1, retryable: true, meaning: 'A disk is full or a quota is exhausted.' },
  Superseded: {
    exit: 1,
    retryable: true,
    meaning: 'Another attempt or another run took over the same work.',
  },
  TakenOver: {
    exit: 1,
    retryable: false,
    meaning: 'Another run, or a run on another server, has taken over the work folder.',
  },
  WorkFolderLost: {
    exit: 1,
    retryable: true,
    meaning: 'The work folder of the run is missing: moved, deleted or not mounted.',
  },
  WorkFolderReplaced: {
    exit: 1,
    retryable: false,
    meaning: 'Another folder is now at the path of the work folder.',
  },
  Refused: {
    exit: 1,
    retryable: false,
    meaning:
      'A worker refused a plan whose work folder other accounts may change, or a step outside the plan.',
  },
  Unavailable: {
    exit: 1,
    retryable: true,
    meaning: 'A resource is temporarily unavailable: a mount, a download, a worker.',
  },
  Timeout: {
    exit: 1,
    retryable: true,
    meaning: 'A step ran longer than its `timeout`, or its worker stopped responding.',
  },
  ServerUnreachable: {
    exit: 3,
    retryable: true,
    meaning: 'The Temporal server does not respond or refuses the connection.',
  },
  Interrupted: { exit: 130, retryable: true, meaning: 'A signal such as Ctrl-C ended the command.' },
  Internal: {
    exit: 1,
    retryable: true,
    meaning: 'An unexpected error. This is a bug in sam-mil or in a plugin.',
  },
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as ErrorCode[];

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}

export interface ErrorFacts {
  /** The affected file, slide, item or setting; `path:line:column` if that is known. */
  file?: string;
  expected?: string;
  found?: string;
  /** What the user should do next: a command to run, a parameter to set, a file to provide. */
  next?: string;
}

/**
 * The content of an error. It is converted to text only where it is displayed, with {@link errorText} or
 * {@link errorLines}.
 */
export interface ErrorRecord {
  /** An {@link ErrorCode}, or the type of a failure that the worker of another program reported. */
  code: string;
  /** What is wrong, without the facts. */
  what: string;
  facts: ErrorFacts;
}

/**
 * The form of an error between threads, processes and Temporal, and in the output of `--json`. See
 * `encodeError`.
 */
export interface WireError extends ErrorRecord {
  /** The lines `    at ...` of the stack. */
  stack?: string;
}

/**
 * The error class of the domain. `message` is complete: it contains the file, what was expected, what was
 * found and the next step.
 */
export class SamMilError extends Error {
  readonly code: ErrorCode;
  /** What is wrong, without the facts. */
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

  /** Returns the same error, prefixed with the place where it occurred: `epoch 3, step 12 (bag "a")`. */
  at(where: string): SamMilError {
    return new SamMilError(this.code, `${where}: ${this.what}`, { ...this.facts, cause: this });
  }
}

type Statement = Pick<ErrorRecord, 'what' | 'facts'>;

/** Formats an error as one line: `a.svs: is truncated; expected ...; found ...; Next: ...`. */
export function errorText(error: Statement): string {
  const parts = listFacts(error).map(([label, text]) =>
    label === 'next' ? `Next: ${text}` : `${label} ${text}`,
  );
  return [headline(error), ...parts].join('; ');
}

/** Like {@link errorText} without the next step, for an error that quotes another one in `found`. */
export function findingText({ what, facts }: Statement): string {
  return errorText({ what, facts: { ...facts, next: undefined } });
}

/** Formats an error as lines: what is wrong, followed by one indented line per fact. */
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

const MOST_FAULTS = 10;

/** One error for several faults: the only one itself, or one that lists the first ten and counts the rest. */
export function together(faults: readonly SamMilError[], what: string, facts: ErrorFacts = {}): SamMilError {
  if (faults.length === 1) return faults[0];
  const shown = faults.slice(0, MOST_FAULTS).flatMap((fault) => errorLines(fault));
  const more = faults.length > MOST_FAULTS ? [`and ${faults.length - MOST_FAULTS} more`] : [];
  const found = [...shown, ...more].join('\n');
  return new SamMilError('InvalidInput', `${faults.length} ${what}`, { ...facts, found });
}

/** Formats what is wrong with the file: `a.svs: is truncated`. */
export function headline({ what, facts: { file } }: Statement): string {
  return file === undefined ? what : `${file}: ${what}`;
}

/** Lists the facts of an error in reading order. */
export function listFacts({ facts }: Statement): [label: string, text: string][] {
  const labels = ['expected', 'found', 'next'] as const;
  return labels.flatMap((label): [string, string][] => {
    const text = facts[label];
    return text === undefined ? [] : [[label, text]];
  });
}

/** Whether an error means that a disk is full or a quota is exhausted. */
export function isDiskFull(error: unknown): boolean {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
