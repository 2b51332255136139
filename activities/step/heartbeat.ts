import type { Context } from '@temporalio/activity';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import type { Progress } from '../../domain/job.js';

/**
 * Heartbeat details: what the live display shows of a running step. The checkpoint on disk is the true
 * progress.
 */
export type BeatDetails = Progress & {
  stage: string;
  item: string;
  step: string;
  /** The GPU that the step was assigned: `GPU 1`. */
  device?: string;
};

/** Shortest interval between heartbeats; the SDK sends fewer if the timeout is long. */
const SHORTEST_MS = 1000;

/**
 * Sends heartbeats on a timer during an attempt, whatever the work does; they also deliver cancellation.
 * Returns functions that report progress and the assigned device, and one that stops the heartbeats.
 */
export function startHeartbeat(
  context: Context,
  subject: { stage: string; item: string; step: string },
): { report(progress: Progress): void; device(name: string): void; stop(): void } {
  const timeout = context.info.heartbeatTimeoutMs ?? 30_000;
  const every = Math.max(200, Math.min(SHORTEST_MS, timeout / 4));
  let details: BeatDetails = { ...subject, unit: '', done: 0, total: 0 };
  let device: string | undefined;
  const beat = () => context.heartbeat(details);
  beat();
  const timer = setInterval(beat, every);
  return {
    report: (progress) => {
      details = { ...subject, ...progress, ...(device !== undefined && { device }) };
    },
    device: (name) => {
      device = name;
      details = { ...details, device };
    },
    stop: () => clearInterval(timer),
  };
}

/**
 * Returns the failure of a stopped attempt. A worker shutdown is a retryable failure of a separate type,
 * which the workflow does not count against the step; a cancelled attempt ends as cancelled.
 */
export function stoppedFailure(context: Context): Error {
  const details = context.cancellationDetails;
  if (details?.workerShutdown) {
    return ApplicationFailure.create({
      message:
        'the worker was shut down before the step ended; the step resumes from its checkpoint on another worker',
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
