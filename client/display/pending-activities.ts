import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { BeatDetails } from '../../activities/step/heartbeat.js';
import type { Activity } from './render-status.js';
import { unservedQueues } from './unserved-queues.js';

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

export interface Activities {
  /** What is at work, from its last heartbeat. */
  atWork: Activity[];
  /** Task queues that steps wait in though no worker serves them. */
  unserved: string[];
  /** Why the engine's own records can't be written or read; it goes on trying. */
  stuck: string[];
}

/** What the activities of some stage workflows are doing now. A workflow that has just ended has none. */
export async function activitiesOf(client: Client, workflowIds: readonly string[]): Promise<Activities> {
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

/** Steps say with their beats what they do; of what has no such beat, a failure is that of the engine's own work, mostly for want of room on the disk. */
function stuckBecause(pending: readonly Pending[], activities: readonly (Activity | undefined)[]): string[] {
  const silent = pending.filter((_, index) => activities[index] === undefined);
  return [...new Set(silent.flatMap(({ lastFailure }) => lastFailure?.message ?? []))];
}

/** Undefined for one that waits for a worker or is the engine's own: it has not beaten yet. */
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
    lastFailure: pending.lastFailure?.message ?? undefined,
    worker: pending.lastWorkerIdentity ?? undefined,
  };
}
