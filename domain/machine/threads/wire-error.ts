import { isDiskFull, isErrorCode, SamMilError, type ErrorFacts, type WireError } from '../../errors.js';

/**
 * The one form in which an error crosses threads, processes and Temporal, all of which lose its class. Workflows
 * import this module too: it must not import any Node built-in.
 */

/**
 * The one bound on each text of an error, in characters: a history, and the message that records fifty items, must
 * hold many of them. Everything that a crashed process printed is in its item's log.
 */
const LONGEST = 2000;

/** Any error in the form that travels. Encoding what was decoded gives the same form again. */
export function encodeError(error: unknown): WireError {
  const { code, what, facts, stack } = asSamMilError(error);
  const frames = framesOf(stack);
  return {
    code,
    what: bounded(what),
    facts: boundedFacts(facts),
    ...(frames === '' ? {} : { stack: bounded(frames) }),
  };
}

/** The error again, on the other side. */
export function decodeError({ code, what, facts, stack }: WireError): SamMilError {
  const error = isErrorCode(code)
    ? new SamMilError(code, what, facts)
    : new SamMilError('Internal', `${code}: ${what}`, facts);
  error.stack = [`${error.name}: ${error.message}`, ...(stack === undefined ? [] : [stack])].join('\n');
  return error;
}

/** Whether a value that came from elsewhere, such as the details of a failure, is an encoded error. */
export function isWireError(value: unknown): value is WireError {
  const { code, what, facts } = (value ?? {}) as Partial<WireError>;
  return typeof code === 'string' && typeof what === 'string' && typeof facts === 'object' && facts !== null;
}

/** Any error, of the file system or a library, as one of ours, with the stack of the original. */
export function asSamMilError(error: unknown): SamMilError {
  if (error instanceof SamMilError) return error;
  const what = error instanceof Error ? error.message : String(error);
  const known = isDiskFull(error) ? diskFull(error, what) : internal(error, what);
  if (error instanceof Error && error.stack !== undefined) known.stack = error.stack;
  return known;
}

function diskFull(cause: unknown, found: string): SamMilError {
  const { path } = cause as { path?: string };
  const next = 'free some space on that disk, or on the disk of the work folder, and resume the run';
  return new SamMilError('DiskFull', 'the disk is full', { file: path, found, next, cause });
}

/** What network errors really say is in their cause. */
function internal(error: unknown, what: string): SamMilError {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const found = cause instanceof Error ? cause.message : undefined;
  return new SamMilError('Internal', what, { found, cause: error });
}

function boundedFacts(facts: ErrorFacts): ErrorFacts {
  const { file, expected, found, next } = facts;
  const known = Object.entries({ file, expected, found, next }).flatMap(([name, text]) =>
    text === undefined ? [] : [[name, bounded(text)] as const],
  );
  return Object.fromEntries(known);
}

/** Both ends are kept: a list is best known by its beginning, what a process printed by its end. */
function bounded(text: string): string {
  if (text.length <= LONGEST) return text;
  const mark = '\n...\n';
  const half = Math.floor((LONGEST - mark.length) / 2);
  return `${wellFormed(text.slice(0, half))}${mark}${wellFormed(text.slice(-half))}`;
}

/** Without half a character at a cut, which Temporal's server would refuse. */
function wellFormed(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
}

/** The stack without the message that it begins with. */
function framesOf(stack = ''): string {
  const lines = stack.split('\n');
  const first = lines.findIndex((line) => /^\s+at /.test(line));
  return first < 0 ? '' : lines.slice(first).join('\n');
}
