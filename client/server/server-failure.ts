import { isGrpcServiceError } from '@temporalio/client';
import { ServerUnreachable } from '../command-line/errors.js';

/** Text of a server whose parts look for each other where none of them listens. */
const DIALS_ITSELF = /dial tcp (127\.0\.0\.1|\[::1\]):\d+: connect: connection refused/;

/**
 * The error of a server that accepts connections but fails at a request. Temporal's development server does
 * so when it was started with an `--ip` other than 127.0.0.1: its parts still call each other at 127.0.0.1.
 */
export function serverFailure(address: string, error: Error): ServerUnreachable {
  const { cause } = error;
  const text = isGrpcServiceError(cause) ? cause.details : error.message;
  if (DIALS_ITSELF.test(text)) {
    return new ServerUnreachable(
      `the Temporal server at ${address} cannot reach its own parts (${DIALS_ITSELF.exec(text)?.[0]})`,
      'start a development server with --ip 127.0.0.1, which serves this machine only; for several hosts use a Temporal deployment (docs/workers.md)',
      error,
    );
  }
  return new ServerUnreachable(
    `the Temporal server at ${address} failed to start the run: ${text}`,
    'try again; see the log of the server',
    error,
  );
}
