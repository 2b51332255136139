import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { WireError } from '../domain/errors.js';
import { encodeError, isWireError } from '../domain/machine/threads/wire-error.js';
import type { EngineActivities } from '../activities/engine/stage-messages.js';
import type { StepInput, StepResult } from '../domain/engine/item/step-input.js';
import type { StepPlan } from '../domain/engine/language/plan/plan.js';

/**
 * Returns the engine's own activities. They are retried for about half a day, until the disk or the server is
 * back; permanent errors are non-retryable. Timeouts are long because a page of changed outputs is digested
 * again. A cancellation does not wait for them: the disk that they read may not answer.
 */
export function engineActivities(queue: string): EngineActivities {
  return proxyActivities<EngineActivities>({
    taskQueue: queue,
    startToCloseTimeout: '4h',
    heartbeatTimeout: '1m',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { maximumAttempts: 500, initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '2m' },
  });
}

/**
 * Returns the activity that writes a run's record, with few attempts: eight take a minute and a half. A run
 * must end even if its work folder is gone or does not answer; an attempt that hangs there keeps sending
 * heartbeats. There is no limit on the time without a worker.
 */
export function closingActivity(
  queue: string,
  maximumAttempts: number,
): Pick<EngineActivities, 'engine.close-run'> {
  return proxyActivities<EngineActivities>({
    taskQueue: queue,
    startToCloseTimeout: '30s',
    heartbeatTimeout: '20s',
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    retry: { maximumAttempts, initialInterval: '2s', backoffCoefficient: 2, maximumInterval: '20s' },
  });
}

/** A step may lose this many hosts in a row before it counts as failed. */
const LOST_HOSTS = 20;

/**
 * Runs a step on the queue of its `runs-on`. A lost host, a worker shutdown and a pause end an attempt
 * without fault of the step: if they have used up its attempts, it gets new ones. It resumes from its
 * checkpoint each time.
 */
export async function callStep(queue: string, step: StepPlan, input: StepInput): Promise<StepResult> {
  const { retry } = step;
  const activities = proxyActivities<Record<string, (input: StepInput) => Promise<StepResult>>>({
    taskQueue: queue,
    startToCloseTimeout: step.timeout as '1h',
    heartbeatTimeout: step.heartbeat as '1m',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary: `${input.step} ${input.stage}@${input.item}`.slice(0, 200),
    retry: {
      maximumAttempts: retry.maxAttempts,
      initialInterval: retry.initialInterval as '1s',
      backoffCoefficient: retry.backoffCoefficient,
      maximumInterval: retry.maximumInterval as '1m',
      nonRetryableErrorTypes: [...retry.nonRetryable],
    },
  });
  for (let lost = 0; ; lost++) {
    try {
      return await activities[step.uses]({ ...input, stall: step.stall });
    } catch (error) {
      if (lost >= LOST_HOSTS || !isHostLoss(error)) throw error;
    }
  }
}

function isHostLoss(error: unknown): boolean {
  if (!(error instanceof ActivityFailure)) return false;
  const { cause } = error;
  if (cause instanceof TimeoutFailure) return cause.timeoutType === 'HEARTBEAT';
  return cause instanceof ApplicationFailure && (cause.type === 'WorkerShutdown' || cause.type === 'Paused');
}

/** Returns the recorded error of a failed activity, exactly as its worker reported it. */
export function readFailure(error: unknown): WireError {
  if (!(error instanceof ActivityFailure)) return encodeError(error);
  const { cause } = error;
  if (cause instanceof TimeoutFailure) return timeout(cause);
  if (!(cause instanceof ApplicationFailure)) return encodeError(error);
  if (cause.type === 'NotFoundError') return unknownActivity(error);
  const details: unknown = cause.details?.at(0);
  return isWireError(details) ? details : { ...encodeError(cause), code: cause.type ?? 'Internal' };
}

/** A worker that was started without a plugin also receives steps of that plugin. */
function unknownActivity({ activityType, identity }: ActivityFailure): WireError {
  return {
    code: 'InvalidInput',
    what: `the worker ${identity ?? ''} has no activity \`${activityType}\``,
    facts: { next: 'start every worker of its queue with the plugin that contains it (--plugin)' },
  };
}

function timeout({ timeoutType }: TimeoutFailure): WireError {
  if (timeoutType === 'HEARTBEAT') {
    const next = "see the workers' logs";
    return { code: 'Timeout', what: 'its worker stopped responding, attempt after attempt', facts: { next } };
  }
  const next = 'increase it; the step resumes from its checkpoint';
  return { code: 'Timeout', what: 'the step took longer than its `timeout`', facts: { next } };
}
