import {
  type ErrorCode,
  type ErrorFacts,
  type ErrorRecord,
  isDiskFull,
  isErrorCode,
  SamMilError,
  type WireError,
} from '../../errors.js';
import { redactUrls } from '../http/redact-url.js';

/**
 * The only form in which errors cross threads, processes and Temporal, all of which lose their class.
 * Workflows also import this module, so it must not import Node built-ins.
 */

/**
 * Maximum length of each text of an error, in characters, because a history, and a message that records fifty
 * items, must hold many errors. The item's log has the complete output of a crashed process.
 */
const MAX_LENGTH = 2000;

/** Encodes any error in the wire form. Encoding a decoded error gives the same form again. */
export function encodeError(error: unknown): WireError {
  const { code, what, facts, stack } = asSamMilError(error);
  const frames = stackFrames(stack);
  return {
    code,
    what: bounded(what),
    facts: boundedFacts(facts),
    ...(frames === '' ? {} : { stack: bounded(frames) }),
  };
}

/** Decodes an error on the receiving side. */
export function decodeError({ code, what, facts, stack }: WireError): SamMilError {
  const error = isErrorCode(code)
    ? new SamMilError(code, what, facts)
    : new SamMilError('Internal', `${code}: ${what}`, facts);
  error.stack = [`${error.name}: ${error.message}`, ...(stack === undefined ? [] : [stack])].join('\n');
  return error;
}

/** Whether an external value, such as the details of a failure, is an encoded error. */
export function isWireError(value: unknown): value is WireError {
  const { code, what, facts } = (value ?? {}) as Partial<WireError>;
  return typeof code === 'string' && typeof what === 'string' && typeof facts === 'object' && facts !== null;
}

/**
 * Converts any error, such as one of the file system or a library, to a SamMilError with the original stack.
 */
export function asSamMilError(error: unknown): SamMilError {
  if (error instanceof SamMilError) return error;
  if (isForeign(error)) return adopt(error);
  const what = error instanceof Error ? error.message : String(error);
  const known = isDiskFull(error) ? diskFull(error, what) : internal(error, what);
  if (error instanceof Error && error.stack !== undefined) known.stack = error.stack;
  return known;
}

/** Whether an error is a SamMilError of another copy of this package, which a plugin may have loaded. */
function isForeign(error: unknown): error is Error & { code: ErrorCode } & ErrorRecord {
  return error instanceof Error && isWireError(error) && isErrorCode(error.code);
}

function adopt(error: Error & { code: ErrorCode } & ErrorRecord): SamMilError {
  const adopted = new SamMilError(error.code, error.what, { ...error.facts, cause: error });
  if (error.stack !== undefined) adopted.stack = error.stack;
  return adopted;
}

function diskFull(cause: unknown, found: string): SamMilError {
  const { path } = cause as { path?: string };
  const next = 'free some space on that disk, or on the disk of the work folder, and resume the run';
  return new SamMilError('DiskFull', 'the disk is full', { file: path, found, next, cause });
}

/** Network errors state the reason in their cause. */
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

/**
 * Keeps both ends: the beginning identifies a list, the end explains the output of a process. URLs lose their
 * secrets here, because every error passes on its way to a terminal, log or record.
 */
function bounded(original: string): string {
  const text = redactUrls(original);
  if (text.length <= MAX_LENGTH) return text;
  const mark = '\n...\n';
  const half = Math.floor((MAX_LENGTH - mark.length) / 2);
  return `${wellFormed(text.slice(0, half))}${mark}${wellFormed(text.slice(-half))}`;
}

/** Removes half of a surrogate pair at a cut, which Temporal's server would reject. */
function wellFormed(text: string): string {
  return text.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, '');
}

/** The stack without its leading message. */
function stackFrames(stack = ''): string {
  const lines = stack.split('\n');
  const first = lines.findIndex((line) => /^\s+at /.test(line));
  return first < 0 ? '' : lines.slice(first).join('\n');
}
