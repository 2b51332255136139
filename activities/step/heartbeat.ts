import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { Progress } from '../../domain/job.js';

/** Heartbeat details: what the live display shows of a running step. Truth about progress is the checkpoint on disk. */
export type BeatDetails = Progress & { stage: string; item: string; step: string };

/** Most frequent beat; the SDK sends fewer where the timeout is long. */
const SHORTEST_MS = 1000;

/**
 * Beats on a timer for as long as an attempt lives, whatever the work does; cancellation travels back on these beats.
 * Returns the function that carries progress and the one that ends it.
 */
export function startHeartbeat(
  context: Context,
  subject: { stage: string; item: string; step: string },
): { report(progress: Progress): void; stop(): void } {
  const timeout = context.info.heartbeatTimeoutMs ?? 30_000;
  const every = Math.max(200, Math.min(SHORTEST_MS, timeout / 4));
  let details: BeatDetails = { ...subject, unit: '', done: 0, total: 0 };
  const beat = () => context.heartbeat(details);
  beat();
  const timer = setInterval(beat, every);
  return {
    report: (progress) => {
      details = { ...subject, ...progress };
    },
    stop: () => clearInterval(timer),
  };
}

/**
 * What an attempt that was stopped ends with. A worker that shuts down fails it retryably under a name of its own, which the workflow does not
 * count against the step; a cancelled one ends as cancelled.
 */
export function stoppedFailure(context: Context): Error {
  const details = context.cancellationDetails;
  if (details?.workerShutdown) {
    return ApplicationFailure.create({
      message: 'the worker was shut down before the step had ended; it goes on from its checkpoint elsewhere',
      type: 'WorkerShutdown',
      nonRetryable: false,
    });
  }
  if (details?.paused) {
    return ApplicationFailure.create({ message: 'the activity was paused', type: 'Paused' });
  }
  const reason: unknown = context.cancellationSignal.reason;
  return reason instanceof Error ? reason : new CancelledFailure('cancelled');
}
