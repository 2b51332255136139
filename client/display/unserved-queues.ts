import type { Client, WorkflowExecutionDescription } from '@temporalio/client';

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** `PENDING_ACTIVITY_STATE_SCHEDULED`, `..._STARTED` and `TASK_QUEUE_TYPE_ACTIVITY` of Temporal's API. */
const SCHEDULED = 1;
const STARTED = 2;
const ACTIVITY_QUEUE = 2;

/** The server remembers a worker for five minutes after its last call; one that polls calls at least once a minute. */
const SEEN_MILLISECONDS = 90_000;

/**
 * Names of the task queues that steps wait in though no worker has asked for work there lately. A worker whose places are all taken does not ask: where
 * one of these activities is at work, its queue is served.
 */
export async function unservedQueues(client: Client, activities: readonly Pending[]): Promise<string[]> {
  const busy = queuesOf(activities, STARTED);
  const waiting = [...queuesOf(activities, SCHEDULED)].filter((queue) => !busy.has(queue));
  const served = await Promise.all(waiting.map((queue) => isServed(client, queue)));
  return waiting.filter((_, i) => !served[i]).sort();
}

function queuesOf(activities: readonly Pending[], wanted: number): Set<string> {
  const inState = activities.filter(({ state }) => Number(state) === wanted);
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
