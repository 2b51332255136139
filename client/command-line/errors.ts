import { CommanderError } from 'commander';
import type { Problem } from '../../domain/engine/language/problems/problems.js';
import { ERRORS, SamMilError } from '../../domain/errors.js';

/** Exit codes of the command line. */
export const EXIT = {
  ok: 0,
  failed: ERRORS.Internal.exit,
  invalid: ERRORS.InvalidInput.exit,
  unreachable: ERRORS.ServerUnreachable.exit,
  interrupted: ERRORS.Interrupted.exit,
} as const;

/** The Temporal server does not answer or refuses the connection. */
export class ServerUnreachable extends SamMilError {
  constructor(what: string, next: string, cause?: unknown) {
    super('ServerUnreachable', what, { next, cause });
  }
}

/**
 * A pipeline file has errors and cannot run. `code` is `InvalidInput`; the message lists every problem with
 * its place.
 */
export class InvalidPipelineError extends SamMilError {
  /** The pipeline file, as the caller gave it. */
  readonly file: string;
  /** Errors and warnings, in the order of the file. */
  readonly problems: readonly Problem[];

  constructor(file: string, problems: readonly Problem[]) {
    const lines = problems.map(
      ({ place, code, message }) => `${place.line}:${place.column} ${code} ${message}`,
    );
    super('InvalidInput', 'the pipeline cannot run', { file, found: lines.join('\n') });
    this.file = file;
    this.problems = problems;
  }
}

/** A signal arrived before there was a run to pause. */
export class Interrupted extends SamMilError {
  constructor() {
    super('Interrupted', 'interrupted');
  }
}

/** Ends a command that has printed everything, with this exit code. */
export class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit ${code}`);
    this.code = code;
  }
}

export function exitCodeOf(error: unknown): number {
  if (error instanceof Exit) return error.code;
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.invalid;
  return error instanceof SamMilError ? ERRORS[error.code].exit : EXIT.failed;
}

export function invalid(what: string, next?: string): SamMilError {
  return new SamMilError('InvalidInput', what, { next });
}
