import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { SamMilError } from '../../domain/errors.js';
import { asSamMilError, decodeError, isWireError } from '../../domain/machine/threads/wire-error.js';
import { stageStatusQuery, stepQueue, type RunStatus, type StageStatus } from '../../workflows/messages.js';
import type { RunView } from './events.js';
import { readActivities } from './pending-activities.js';
import { RemoteRun } from './remote-run.js';

interface FollowOptions {
  /** Called with each new view. */
  show(view: RunView): void;
  /** Called once per round to keep the local worker alive. */
  tend?(): Promise<void> | undefined;
  /** The status in the work folder if the run has ended: Temporal keeps no result of a cancelled run. */
  record?(): RunStatus | undefined;
  /** Prefix of the run's task queues if it is not the default. */
  prefix?: string;
  /** Stops following; the run continues. */
  signal?: AbortSignal;
}

const ROUND_MILLISECONDS = 1000;
const ANSWER_MILLISECONDS = 5000;

/**
 * Follows a run until it has ended or is held. Returns its last status, undefined if the signal came first.
 * @throws SamMilError Internal for a run that ended without a result
 */
export async function followRun(
  client: Client,
  run: string,
  options: FollowOptions,
): Promise<RunStatus | undefined> {
  const handle = client.workflow.getHandle(run);
  let result: RunStatus | undefined;
  let failure: unknown;
  // The result arrives without a worker and without delay; queries need both.
  const waiting = new AbortController();
  // Waiting for the result makes a call per minute, and each call leaves a listener behind.
  setMaxListeners(0, waiting.signal);
  client
    .withAbortSignal(waiting.signal, () => handle.result())
    .then(
      (value) => (result = value as RunStatus),
      (error: unknown) => (failure = error),
    );
  try {
    return await rounds();
  } finally {
    // An open call would be retried on the closed connection.
    waiting.abort();
  }

  async function rounds(): Promise<RunStatus | undefined> {
    let view: RunView | undefined;
    while (options.signal?.aborted !== true) {
      await options.tend?.();
      if (failure !== undefined) result = statusOfFailure(failure) ?? options.record?.();
      if (failure !== undefined && result === undefined) throw endedBadly(run, failure);
      if (result !== undefined) {
        options.show({ status: result, activities: [], now: Date.now() });
        return result;
      }
      view = await look(client, run, options.prefix, view);
      if (view !== undefined) options.show({ ...view, now: Date.now() });
      if (view?.status.state === 'held' && view.trouble === undefined) return view.status;
      await sleep(ROUND_MILLISECONDS, undefined, { signal: options.signal }).catch(() => undefined);
    }
    return undefined;
  }
}

/** Returns the current view or, if no worker answers, the last view with the reason. */
async function look(
  client: Client,
  run: string,
  prefix: string | undefined,
  last?: RunView,
): Promise<RunView | undefined> {
  try {
    return await viewRun(client, run, prefix);
  } catch (error) {
    return last && { ...last, activities: [], trouble: describeTrouble(error) };
  }
}

/**
 * Returns the run's status with exact counts of the running stages and what their activities are doing.
 * Throws Temporal's error if no worker answers in time.
 */
export async function viewRun(client: Client, run: string, queuePrefix?: string): Promise<RunView> {
  const status = await new RemoteRun(client, run).status();
  const ids = new Set(
    status.stages.flatMap((stage) => (stage.state === 'running' ? (stage.workflowId ?? []) : [])),
  );
  const [exact, { atWork, unserved, stuck }] = await Promise.all([
    Promise.all([...ids].map((id) => askStage(client, id))),
    readActivities(client, [...ids, status.run]),
  ]);
  const byName = new Map(exact.flat().map((stage) => [stage.name, stage]));
  const stages = status.stages.map((stage) => newer(stage, byName.get(stage.name)));
  const troubles = [
    ...stuck.map((reason) => `the run waits and retries automatically: ${reason}`),
    ...(unserved.length > 0 ? [noWorkerFor(unserved, queuePrefix)] : []),
  ];
  const trouble = troubles.length > 0 ? { trouble: troubles[0] } : {};
  return { status: { ...status, stages }, activities: atWork, now: Date.now(), ...trouble };
}

/** @param queues with their prefix, as the server names them */
function noWorkerFor(queues: readonly string[], queuePrefix: string | undefined): string {
  const prefix = stepQueue('', queuePrefix);
  const names = queues.map((queue) => (queue.startsWith(prefix) ? queue.slice(prefix.length) : queue));
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

function describeTrouble(error: unknown): string {
  const text =
    error instanceof Error ? `${error.message} ${(error.cause as Error | undefined)?.message ?? ''}` : '';
  if (/no poller/i.test(text)) return 'no worker answers; start one with `npx sam-mil worker`';
  if (/UNAVAILABLE|ECONNREFUSED/i.test(text)) return 'the Temporal server does not answer; retrying';
  if (/deadline|CANCELLED/i.test(text)) return 'waiting for a worker to answer';
  return `no status: ${text.trim()}`;
}

/** Returns the last status of a failed run, which is in the details of the failure. */
function statusOfFailure(error: unknown): RunStatus | undefined {
  if (!(error instanceof WorkflowFailedError) || !(error.cause instanceof ApplicationFailure))
    return undefined;
  const { type, details } = error.cause;
  return type === 'RunFailed' ? (details?.[0] as RunStatus | undefined) : undefined;
}

function endedBadly(run: string, error: unknown): SamMilError {
  const cause = error instanceof WorkflowFailedError ? error.cause : error;
  const details: unknown = cause instanceof ApplicationFailure ? cause.details?.at(0) : undefined;
  const failure = isWireError(details) ? decodeError(details) : asSamMilError(cause);
  const next = `continue with \`npx sam-mil resume ${run}\`; finished work is kept`;
  const { code, what, facts } = failure;
  return new SamMilError(code, `run ${run} ended without a result: ${what}`, {
    next,
    ...facts,
    cause: error,
  });
}
