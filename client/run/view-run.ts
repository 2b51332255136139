import type { Client } from '@temporalio/client';
import { engineQueue, stageStatusQuery, stepQueue, type StageStatus } from '../../workflows/messages.js';
import type { Activity, RunView } from './events.js';
import { BeatMemory } from './beats.js';
import { isServed, readActivities } from './pending-activities.js';
import { RemoteRun } from './remote-run.js';

const ANSWER_MILLISECONDS = 5000;

/**
 * Returns the run's status with exact counts of the running stages and what their activities are doing.
 * Throws Temporal's error if no worker answers in time. `beats` remembers the heartbeats of earlier views.
 */
export async function viewRun(
  client: Client,
  run: string,
  queuePrefix?: string,
  beats = new BeatMemory(),
): Promise<RunView> {
  const status = await new RemoteRun(client, run).status();
  const ids = new Set(
    status.stages.flatMap((stage) => (stage.state === 'running' ? (stage.workflowId ?? []) : [])),
  );
  const [exact, { atWork, waiting: scheduled, unserved, stuck, lost }] = await Promise.all([
    Promise.all([...ids].map((id) => askStage(client, id))),
    readActivities(client, [...ids, status.run], beats),
  ]);
  const byName = new Map(exact.flat().map((stage) => [stage.name, stage]));
  const current = status.stages.map((stage) => newer(stage, byName.get(stage.name)));
  const waiting = waitingByStage(current, atWork, scheduled);
  const stages = current.map((stage) => ({ ...stage, running: stage.running - (waiting[stage.name] ?? 0) }));
  const troubles = [
    ...lost,
    ...stuck.map((reason) => `the run waits and retries automatically: ${reason}`),
    ...(unserved.length > 0 ? [noWorkerFor(unserved, queuePrefix)] : []),
  ];
  const trouble = troubles.length > 0 ? { trouble: troubles[0] } : {};
  return { status: { ...status, stages }, activities: atWork, waiting, now: Date.now(), ...trouble };
}

/** Returns why a run has no status although its server answers: what is known about its workers. */
export async function explainSilence(
  client: Client,
  workflowIds: readonly string[],
  error: unknown,
  queuePrefix: string | undefined,
  beats: BeatMemory,
): Promise<string> {
  const engine = engineQueue(queuePrefix);
  const [{ lost, unserved }, engineServed] = await Promise.all([
    readActivities(client, workflowIds, beats),
    isServed(client, engine, 'workflow'),
  ]);
  if (lost.length > 0) return lost[0];
  const queues = engineServed ? unserved : [engine, ...unserved];
  if (queues.length > 0) return noWorkerFor(queues, queuePrefix);
  const text =
    error instanceof Error ? `${error.message} ${(error.cause as Error | undefined)?.message ?? ''}` : '';
  const waits = /deadline|CANCELLED|no poller/i.test(text);
  return waits ? 'waiting for a worker to answer' : `no status: ${text.trim()}`;
}

/** @param queues with their prefix, as the server names them */
function noWorkerFor(queues: readonly string[], queuePrefix: string | undefined): string {
  const prefix = stepQueue('', queuePrefix);
  const names = queues.map((queue) => {
    if (queue === engineQueue(queuePrefix)) return 'engine';
    return queue.startsWith(prefix) ? queue.slice(prefix.length) : queue;
  });
  const option = queuePrefix === undefined ? '' : ` --prefix ${queuePrefix}`;
  const command = `npx sam-mil worker --queues ${names.join(',')}${option}`;
  return `no worker is polling ${names.join(', ')}: all are busy, or none serves it; start one with \`${command}\``;
}

/** A stage that has just ended no longer answers; the run's own status is correct then. */
async function askStage(client: Client, workflowId: string): Promise<StageStatus[]> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_MILLISECONDS, () =>
      client.workflow.getHandle(workflowId).query(stageStatusQuery),
    );
  } catch {
    return [];
  }
}

function newer(stage: StageStatus, exact: StageStatus | undefined): StageStatus {
  if (exact === undefined || stage.state !== 'running') return stage;
  return { ...stage, ...exact, needs: stage.needs, workflowId: stage.workflowId };
}

/**
 * Counts the steps that wait for a slot, by stage. Stages of one chain share a workflow, which does not say
 * which of them a waiting step belongs to: it is one without a heartbeat.
 */
function waitingByStage(
  stages: readonly StageStatus[],
  atWork: readonly Activity[],
  scheduled: ReadonlyMap<string, number>,
): Record<string, number> {
  const left = new Map(scheduled);
  const waiting: Record<string, number> = {};
  for (const { name, workflowId = '', running, state } of stages) {
    if (state !== 'running') continue;
    const silent = running - atWork.filter(({ stage }) => stage === name).length;
    const count = Math.max(0, Math.min(silent, left.get(workflowId) ?? 0));
    left.set(workflowId, (left.get(workflowId) ?? 0) - count);
    if (count > 0) waiting[name] = count;
  }
  return waiting;
}
