import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { EngineActivities } from '../activities/engine/stage-messages.js';
import type { StepInput, StepResult } from '../domain/engine/item/step-input.js';
import type { StepPlan } from '../domain/engine/language/plan/plan.js';

/**
 * The engine's own activities. They repeat until the disk or the server is back, for about half a day; what cannot be mended is non-retryable.
 * Timeouts are generous: a page of changed outputs is digested again.
 */
export function engineActivities(queue: string): EngineActivities {
  return proxyActivities<EngineActivities>({
    taskQueue: queue,
    startToCloseTimeout: '4h',
    heartbeatTimeout: '1m',
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: { maximumAttempts: 500, initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '2m' },
  });
}

/** A step may lose this many hosts in a row before that counts as its own failure. */
const LOST_HOSTS = 20;

/**
 * Runs a step where its `runs-on` says. A lost host, a shut-down worker and a pause end an attempt, though the step is not to blame: when they have
 * used up the attempts, it gets new ones. It goes on from its checkpoint each time.
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
      return await activities[step.uses](input);
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

/** What a failed step is recorded with. */
export function failureOf(error: unknown): { code: string; reason: string } {
  if (error instanceof ActivityFailure) {
    const { cause } = error;
    if (cause instanceof ApplicationFailure) {
      if (cause.type === 'NotFoundError') return { code: 'InvalidInput', reason: unknownActivity(error) };
      return { code: cause.type ?? 'Internal', reason: short(cause.message) };
    }
    if (cause instanceof TimeoutFailure) {
      return { code: 'Timeout', reason: timeoutText(cause) };
    }
  }
  const message = error instanceof Error ? error.message : String(error);
  const code = (error as { code?: unknown } | undefined)?.code;
  return { code: typeof code === 'string' ? code : 'Internal', reason: short(message) };
}

/** A worker that was started without a plugin takes steps that only it lacks. */
function unknownActivity({ activityType, identity }: ActivityFailure): string {
  return `the worker ${identity ?? ''} has no activity \`${activityType}\`; Next: start every worker of its queue with the plugin that holds it (--plugin)`;
}

function timeoutText({ timeoutType }: TimeoutFailure): string {
  if (timeoutType === 'HEARTBEAT') {
    return "its worker stopped answering, attempt after attempt; see the workers' logs";
  }
  return 'it took longer than its `timeout`; raise that, and the step goes on from its checkpoint';
}

/** Reasons travel in messages and histories: the whole text is in the item's log. */
function short(text: string): string {
  return text.length <= 1500 ? text : `${text.slice(0, 1500)}...`;
}
