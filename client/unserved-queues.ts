import type { Client, WorkflowExecutionDescription } from '@temporalio/client';

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** `PENDING_ACTIVITY_STATE_SCHEDULED` and `TASK_QUEUE_TYPE_ACTIVITY` of Temporal's API. */
const SCHEDULED = 1;
const ACTIVITY_QUEUE = 2;

/** The server remembers a worker for five minutes after its last call; one that polls calls at least once a minute. */
const SEEN_MILLISECONDS = 90_000;

/** Names of the task queues that steps wait in though no worker has asked for work there lately. */
export async function unservedQueues(client: Client, activities: readonly Pending[]): Promise<string[]> {
  const waiting = activities.filter(({ state }) => Number(state) === SCHEDULED);
  const queues = new Set(waiting.flatMap(({ activityOptions }) => activityOptions?.taskQueue?.name ?? []));
  const served = await Promise.all([...queues].map(async (queue) => [queue, await isServed(client, queue)]));
  return served.flatMap(([queue, yes]) => (yes ? [] : [queue as string])).sort();
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
