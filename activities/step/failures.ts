import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { errorText } from '../../domain/errors.js';
import { asSamMilError, encodeError } from '../../domain/machine/threads/wire-error.js';

/**
 * The one place where an error of the domain, of Node or of a child becomes a Temporal failure: its type is the
 * code, its retryability the code's, its details the error in the form that travels. The message is for Temporal's
 * own pages.
 */
export function asFailure(error: unknown): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  const wire = encodeError(error);
  const failure = ApplicationFailure.create({
    message: errorText(wire),
    type: wire.code,
    nonRetryable: !asSamMilError(error).retryable,
    details: [wire],
  });
  // Temporal's pages show where the error was raised, which is not here.
  failure.stack = wire.stack;
  return failure;
}
