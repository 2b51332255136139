import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { BeatDetails } from '../activities/heartbeat.js';
import type { Activity } from './render-status.js';

type Pending = NonNullable<WorkflowExecutionDescription['raw']['pendingActivities']>[number];

/** What the activities of some stage workflows are doing now, from their last heartbeats. A workflow that has just ended has none. */
export async function activitiesOf(client: Client, workflowIds: readonly string[]): Promise<Activity[]> {
  const lists = await Promise.all(
    workflowIds.map(async (id) => {
      try {
        const { raw } = await client.workflow.getHandle(id).describe();
        return await Promise.all(
          (raw.pendingActivities ?? []).map((pending) => readActivity(client, pending)),
        );
      } catch {
        return [];
      }
    }),
  );
  return lists.flat().flatMap((activity) => activity ?? []);
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
