import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { isRetryable, SamMilError } from '../../domain/errors.js';

/** The one place where an error of the domain, of Node or of a child becomes a Temporal failure: its type is the code, its retryability the code's. */
export function asFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  const known = asSamMilError(error);
  return ApplicationFailure.create({
    message: known.message,
    type: known.code,
    nonRetryable: !isRetryable(known.code),
    details: [{ ...known.facts, cause: undefined }],
    cause: error instanceof Error ? error : undefined,
  });
}

export function asSamMilError(error: unknown): SamMilError {
  if (error instanceof SamMilError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    const next = 'free some space on the disk of the work folder; the step is tried again';
    return new SamMilError('DiskFull', message, { next, cause: error });
  }
  return new SamMilError('Internal', message, { cause: error });
}

/** An error on its way from a child process, as plain data. */
export interface ErrorMessage {
  code: string;
  message: string;
  stack?: string;
}

export function toErrorMessage(error: unknown): ErrorMessage {
  const known = asSamMilError(error);
  return { code: known.code, message: known.message, stack: (error as Error | undefined)?.stack };
}

/** The error again, on the parent's side; its message is complete already. */
export function fromErrorMessage({ code, message, stack }: ErrorMessage): SamMilError {
  const error = new SamMilError(code as SamMilError['code'], message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
