import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { WireError } from '../../domain/errors.js';
import { isWireError } from '../../domain/machine/threads/wire-error.js';
import type { BeatDetails } from '../../activities/step/heartbeat.js';
import type { Activity } from './events.js';

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** `PENDING_ACTIVITY_STATE_SCHEDULED`, `..._STARTED` and `TASK_QUEUE_TYPE_ACTIVITY` of Temporal's API. */
const SCHEDULED = 1;
const STARTED = 2;
const ACTIVITY_QUEUE = 2;

/**
 * The server remembers a worker for five minutes after its last call; a polling worker calls at least once
 * per minute.
 */
const SEEN_MILLISECONDS = 90_000;

export interface Activities {
  /** Running activities, from their last heartbeats. */
  atWork: Activity[];
  /** Task queues that steps wait in although no worker serves them. */
  unserved: string[];
  /** Why the engine's own activities fail; the engine keeps retrying them. */
  stuck: string[];
}

/** Returns what the activities of the workflows are doing. A workflow that has just ended has none. */
export async function readActivities(client: Client, workflowIds: readonly string[]): Promise<Activities> {
  const lists = await Promise.all(
    workflowIds.map(async (id) => {
      try {
        const { raw } = await client.workflow.getHandle(id).describe();
        return raw.pendingActivities ?? [];
      } catch {
        return [];
      }
    }),
  );
  const pending = lists.flat();
  const [activities, unserved] = await Promise.all([
    Promise.all(pending.map((one) => readActivity(client, one))),
    unservedQueues(client, pending),
  ]);
  return {
    atWork: activities.flatMap((activity) => activity ?? []),
    unserved,
    stuck: stuckBecause(pending, activities),
  };
}

/**
 * Steps report what they do in their heartbeats. A failure without such a heartbeat comes from the engine's
 * own activities, usually because of a full disk.
 */
function stuckBecause(pending: readonly Pending[], activities: readonly (Activity | undefined)[]): string[] {
  const silent = pending.filter((_, index) => activities[index] === undefined);
  return [...new Set(silent.flatMap(({ lastFailure }) => lastFailure?.message ?? []))];
}

/** Returns the error of the last attempt, as its worker reported it. */
async function failureIn(client: Client, { lastFailure }: Pending): Promise<WireError | undefined> {
  if (!lastFailure) return undefined;
  const { applicationFailureInfo: info, message } = lastFailure;
  const payloads = info?.details?.payloads;
  const [details] = await decodeArrayFromPayloads(client.options.loadedDataConverter, payloads);
  return isWireError(details) ? details : { code: info?.type || 'Internal', what: message ?? '', facts: {} };
}

/**
 * Returns undefined for an activity that waits for a worker or is the engine's own: it has sent no heartbeat.
 */
async function readActivity(client: Client, pending: Pending): Promise<Activity | undefined> {
  const details = await decodeArrayFromPayloads(
    client.options.loadedDataConverter,
    pending.heartbeatDetails?.payloads,
  );
  const beat = details[0] as BeatDetails | undefined;
  if (beat?.stage === undefined) return undefined;
  const { stage, item, step, unit, done, total, note } = beat;
  return {
    stage,
    what: item === stage || item === '' ? step : `${item} ${step}`,
    attempt: pending.attempt ?? 1,
    progress: total > 0 ? { unit, done, total, ...(note === undefined ? {} : { note }) } : undefined,
    lastFailure: await failureIn(client, pending),
    worker: pending.lastWorkerIdentity ?? undefined,
  };
}

/**
 * Returns the task queues that have waiting steps but no recent poll. A fully occupied worker does not poll,
 * so a queue with a running activity counts as served.
 */
async function unservedQueues(client: Client, activities: readonly Pending[]): Promise<string[]> {
  const busy = listQueues(activities, STARTED);
  const waiting = [...listQueues(activities, SCHEDULED)].filter((queue) => !busy.has(queue));
  const served = await Promise.all(waiting.map((queue) => isServed(client, queue)));
  return waiting.filter((_, i) => !served[i]).sort();
}

function listQueues(activities: readonly Pending[], state: number): Set<string> {
  const inState = activities.filter((activity) => Number(activity.state) === state);
  return new Set(inState.flatMap(({ activityOptions }) => activityOptions?.taskQueue?.name ?? []));
}

async function isServed(client: Client, queue: string): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: ACTIVITY_QUEUE,
  });
  return (pollers ?? []).some(({ lastAccessTime }) => {
    const seen = Number(lastAccessTime?.seconds ?? 0) * 1000;
    return Date.now() - seen < SEEN_MILLISECONDS;
  });
}
