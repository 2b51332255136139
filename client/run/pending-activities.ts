import { decodeArrayFromPayloads } from '@temporalio/common/lib/internal-non-workflow/index.js';
import type { Client } from '@temporalio/client';
import type { WireError } from '../../domain/errors.js';
import { isWireError } from '../../domain/machine/threads/wire-error.js';
import type { BeatDetails } from '../../activities/step/heartbeat.js';
import type { BeatMemory, Pending, Silence } from './beats.js';
import { workName, type Activity } from './events.js';

/** `PENDING_ACTIVITY_STATE_SCHEDULED` and `..._STARTED` of Temporal's API. */
const SCHEDULED = 1;
const STARTED = 2;
/** `TIMEOUT_TYPE_HEARTBEAT`. */
const HEARTBEAT = 4;
/** `TASK_QUEUE_TYPE_...`. */
const QUEUE_TYPES = { workflow: 1, activity: 2 };

/**
 * The server remembers a worker for five minutes after its last call; a polling worker calls at least once
 * per minute.
 */
const SEEN_MILLISECONDS = 90_000;

export interface Activities {
  /** Running activities, from their last heartbeats. */
  atWork: Activity[];
  /** Number of activities that no worker has started yet, by workflow. */
  waiting: ReadonlyMap<string, number>;
  /** Task queues that steps wait in although no worker serves them. */
  unserved: string[];
  /** Why the engine's own activities fail; the engine keeps retrying them. */
  stuck: string[];
  /** What is known about workers that no longer answer, a sentence per worker. */
  lost: string[];
}

/** Returns what the activities of the workflows are doing. A workflow that has just ended has none. */
export async function readActivities(
  client: Client,
  workflowIds: readonly string[],
  beats: BeatMemory,
): Promise<Activities> {
  const silences = new Map<Pending, Silence>();
  const lists = await Promise.all(
    workflowIds.map(async (id) => {
      const listed = await listPending(client, id);
      for (const one of listed.filter(({ state }) => Number(state) === STARTED)) {
        const silence = beats.silenceOf(id, one);
        if (silence !== undefined) silences.set(one, silence);
      }
      return listed;
    }),
  );
  const pending = lists.flat();
  const [activities, unserved] = await Promise.all([
    Promise.all(pending.map((one) => readActivity(client, one))),
    unservedQueues(client, pending),
  ]);
  return {
    atWork: activities.flatMap((activity) => activity ?? []),
    waiting: new Map(lists.map((listed, i) => [workflowIds[i], listed.filter(isWaitingStep).length])),
    unserved,
    stuck: stuckBecause(pending, activities),
    lost: lostWorkers(pending, activities, silences),
  };
}

function isWaitingStep({ state, activityType }: Pending): boolean {
  return Number(state) === SCHEDULED && activityType?.name?.startsWith('engine.') !== true;
}

async function listPending(client: Client, workflowId: string): Promise<readonly Pending[]> {
  try {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    return raw.pendingActivities ?? [];
  } catch {
    return [];
  }
}

/** Names each silent worker once, with its longest-running silence and what it was doing. */
function lostWorkers(
  pending: readonly Pending[],
  activities: readonly (Activity | undefined)[],
  silences: ReadonlyMap<Pending, Silence>,
): string[] {
  const byWorker = new Map<string, { silence: Silence; work: string[] }>();
  pending.forEach((one, index) => {
    const silence = silences.get(one);
    if (silence === undefined) return;
    const worker = one.lastWorkerIdentity || 'unknown';
    const known = byWorker.get(worker) ?? { silence, work: [] };
    const activity = activities[index];
    known.work.push(activity === undefined ? (one.activityType?.name ?? 'an activity') : workName(activity));
    if (silence.since < known.silence.since) known.silence = silence;
    byWorker.set(worker, known);
  });
  return [...byWorker].map(([worker, { silence, work }]) => {
    const [first, ...others] = work;
    const what = others.length === 0 ? first : `${first} and ${others.length} more`;
    return (
      `${describeWorker(worker)} has not answered since ${clock(silence.since)}: ` +
      `${what} starts again on another worker at ${clock(silence.until)}, when its heartbeat timeout has passed`
    );
  });
}

/** A worker identifies itself as `PID@HOST`. */
function describeWorker(identity: string): string {
  const [, pid, host] = /^(\d+)@(.+)$/.exec(identity) ?? [];
  return host === undefined ? `the worker ${identity}` : `the worker on ${host} (process id ${pid})`;
}

/** `14:03:12`, local time. */
export function clock(milliseconds: number): string {
  return new Date(milliseconds).toLocaleTimeString('en-GB');
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
  if (Number(lastFailure.timeoutFailureInfo?.timeoutType) === HEARTBEAT)
    return { code: 'Timeout', what: 'its worker stopped answering', facts: {} };
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
  const { stage, item, step, unit, done, total, note, device } = beat;
  return {
    stage,
    key: item,
    step,
    attempt: pending.attempt ?? 1,
    progress: total > 0 ? { unit, done, total, ...(note === undefined ? {} : { note }) } : undefined,
    lastFailure: await failureIn(client, pending),
    worker: pending.lastWorkerIdentity ?? undefined,
    ...(device !== undefined && { device }),
  };
}

/**
 * Returns the task queues that have waiting steps but no recent poll. A fully occupied worker does not poll,
 * so a queue with a running activity counts as served.
 */
async function unservedQueues(client: Client, activities: readonly Pending[]): Promise<string[]> {
  const busy = listQueues(activities, STARTED);
  const waiting = [...listQueues(activities, SCHEDULED)].filter((queue) => !busy.has(queue));
  const served = await Promise.all(waiting.map((queue) => isServed(client, queue, 'activity')));
  return waiting.filter((_, i) => !served[i]).sort();
}

function listQueues(activities: readonly Pending[], state: number): Set<string> {
  const inState = activities.filter((activity) => Number(activity.state) === state);
  return new Set(inState.flatMap(({ activityOptions }) => activityOptions?.taskQueue?.name ?? []));
}

/** Whether a worker has polled the task queue recently. */
export async function isServed(
  client: Client,
  queue: string,
  type: keyof typeof QUEUE_TYPES,
): Promise<boolean> {
  const { pollers } = await client.workflowService.describeTaskQueue({
    namespace: client.options.namespace,
    taskQueue: { name: queue },
    taskQueueType: QUEUE_TYPES[type],
  });
  return (pollers ?? []).some(({ lastAccessTime }) => {
    const seen = Number(lastAccessTime?.seconds ?? 0) * 1000;
    return Date.now() - seen < SEEN_MILLISECONDS;
  });
}
