import { redactUrls } from './redact-url.js';

/** What Node calls a connection that the other side closed before the answer was complete. */
const CLOSED = ['aborted', 'socket hang up'];

/**
 * Returns the reason of an error of the network in one line, without secrets. Network errors put the reason
 * in `cause`, or in a list with one error per address.
 */
export function describeFailure(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return describeFailure(error.errors[0]);
  if (!(error instanceof Error)) return redactUrls(String(error));
  if (error.cause !== undefined) return describeFailure(error.cause);
  const { code } = error as NodeJS.ErrnoException;
  if (CLOSED.includes(error.message))
    return 'the server closed the connection before its answer was complete';
  const text = redactUrls(error.message);
  return code === undefined || code === 'SILENT' || text.includes(code) ? text : `${text} (${code})`;
}
