import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  isGrpcServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  type Client,
} from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure } from '@temporalio/common';
import { SamMilError } from '../../domain/errors.js';
import { asSamMilError, decodeError, isWireError } from '../../domain/machine/threads/wire-error.js';
import type { RunStatus } from '../../workflows/messages.js';

/** How a run ended, as its server reports it. */
export type RunEnd = { status: RunStatus } | { failure: unknown };

const PAUSE_MILLISECONDS = 1000;

/**
 * Waits until the run has ended, however long its server is away meanwhile. Undefined if the signal is
 * aborted first.
 * @param client called before each call to the server, because the connection may be replaced
 */
export async function waitForEnd(
  client: () => Client,
  run: string,
  signal: AbortSignal,
): Promise<RunEnd | undefined> {
  // Waiting for the result makes a call per minute, and each call leaves a listener behind.
  setMaxListeners(0, signal);
  while (!signal.aborted) {
    try {
      const current = client();
      const result: unknown = await current.withAbortSignal(signal, () =>
        current.workflow.getHandle(run).result(),
      );
      return { status: result as RunStatus };
    } catch (error) {
      if (signal.aborted) return undefined;
      if (!isAwayError(error)) return { failure: error };
    }
    await sleep(PAUSE_MILLISECONDS, undefined, { signal }).catch(() => undefined);
  }
  return undefined;
}

/**
 * Whether an error of a call says nothing about the run: the server, or the way to it, did not work. That
 * passes.
 */
export function isAwayError(error: unknown): boolean {
  if (error instanceof WorkflowFailedError || error instanceof WorkflowNotFoundError) return false;
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  return [error, cause].some(
    (one) => isGrpcServiceError(one) || /closed connection|ECONN/i.test(String(one)),
  );
}

/** Returns the server's reason if it rejects the credentials of this command. */
export function refusalIn(error: unknown): string | undefined {
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const refused = [error, cause].find((one) => isGrpcServiceError(one) && REFUSALS.includes(one.code));
  return isGrpcServiceError(refused) ? refused.details : undefined;
}

/** `PERMISSION_DENIED` and `UNAUTHENTICATED` of gRPC. */
const REFUSALS = [7, 16];

/** Returns the last status of a failed run, which is in the details of the failure. */
export function statusOfFailure(error: unknown): RunStatus | undefined {
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure))
    return undefined;
  const { type, details } = error.cause;
  return type === 'RunFailed' ? (details?.[0] as RunStatus | undefined) : undefined;
}

/** The error for a run that ended without a status. */
export function endedBadly(run: string, error: unknown): SamMilError {
  const next = `continue with \`npx sam-mil resume ${run}\`; finished work is kept`;
  if (error instanceof WorkflowNotFoundError) return unknownRun(run);
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  if (cause instanceof TerminatedFailure) {
    const what = `run ${run} was terminated: ${cause.message}`;
    return new SamMilError('Unavailable', what, { next, cause: error });
  }
  if (cause instanceof CancelledFailure)
    return new SamMilError('Unavailable', `run ${run} was cancelled`, { next, cause: error });
  const details: unknown = cause instanceof ApplicationFailure ? cause.details?.at(0) : undefined;
  const failure = isWireError(details) ? decodeError(details) : asSamMilError(cause);
  const { code, what, facts } = failure;
  return new SamMilError(code, `run ${run} ended without a result: ${what}`, {
    next,
    ...facts,
    cause: error,
  });
}

/** The error for an open run that its server has lost, or for the wrong server. */
export function unknownRun(run: string): SamMilError {
  return new SamMilError('Unavailable', `the Temporal server does not know run ${run}`, {
    expected: 'the server and namespace that it was started on, with their database',
    next: `restart it with \`npx sam-mil resume ${run}\`: up-to-date steps are skipped`,
  });
}
