import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { errorText } from '../../domain/errors.js';
import { asSamMilError, encodeError } from '../../domain/machine/threads/wire-error.js';

/**
 * Converts an error of the domain, of Node or of a child to a Temporal failure, in this one place: the code
 * becomes its type and decides its retryability, and the serialized error becomes its details. The message is
 * for Temporal's Web UI.
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
  // Temporal's Web UI shows where the error was raised, which is not here.
  failure.stack = wire.stack;
  return failure;
}
