import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { FileRef, ItemsRef } from '../domain/job.js';
import type { JsonObject } from '../domain/json.js';
import type { PlanRef } from '../domain/engine/language/plan/plan.js';
import type { Lease } from '../domain/engine/store/lease.js';
import type { Counts } from '../domain/engine/item/counts.js';
import type { WireError } from '../domain/errors.js';
import type { Work } from '../domain/engine/item/workload.js';
import type { FailedItem, Tally } from '../domain/engine/item/tally.js';

/**
 * Messages between the client and the workflows: workflow types, queues, inputs, queries, updates. The client
 * imports this file but no workflow code.
 */

export const RUN_WORKFLOW = 'pipelineRun';
export const STAGE_WORKFLOW = 'pipelineStage';

/**
 * Queues of one installation. Workflows and the engine's own light activities run on `engine`; steps run on
 * `cpu`, `gpu` or a user-defined queue.
 */
export const DEFAULT_QUEUE_PREFIX = 'sam-mil';

/** A worker sends the heartbeats of a step at least this often, in milliseconds. */
export const LONGEST_BEAT_MS = 15_000;

export function engineQueue(prefix = DEFAULT_QUEUE_PREFIX): string {
  return prefix;
}

/** Task queue of `runs-on: <name>`. */
export function stepQueue(runsOn: string, prefix = DEFAULT_QUEUE_PREFIX): string {
  return `${prefix}-${runsOn}`;
}

/** Workflow id of a stage's child workflow; a stage fused with its predecessor runs in the predecessor's. */
export function stageWorkflowId(run: string, stage: string): string {
  return `${run}/${stage}`;
}

/** Argument of {@link RUN_WORKFLOW}. The workflow's id is the run's id. */
export interface RunInput {
  /** `<pipeline name>-<suffix>`: also the name of `<work>/.runs/<run>/`. */
  run: string;
  plan: PlanRef;
  /** The right to write into the work folder. */
  lease: Lease;
  header: RunHeader;
  /**
   * Only these items of these stages run, by key; other items of the stage are left out. Other stages run for
   * all their items.
   */
  items?: Record<string, string[]>;
  /** Stages, `stage@item`s or `*` whose receipts from earlier runs do not count. */
  force?: string[];
  /** Prefix of the task queues, default `sam-mil`. */
  queuePrefix?: string;
  limits?: EngineLimits;
}

/** What is known about a run before its plan is read. Shown immediately, never interpreted. */
export interface RunHeader {
  pipeline: string;
  description: string;
  /** Absolute work folder, as in the plan. */
  work: string;
  /** Absolute path of the pipeline file. */
  source: string;
  user?: string;
  host?: string;
  /** Commit of the pipeline file's repository, if there is one. */
  git?: string;
}

/** For tests and very large runs; otherwise use the defaults. */
export interface EngineLimits {
  /** Items per page, default 200. */
  pageSize?: number;
  /**
   * A stage workflow continues as new at this many events, or earlier when the server suggests it. Default
   * 6000.
   */
  maxEvents?: number;
}

export type StageState = 'waiting' | 'running' | 'held' | 'done' | 'failed' | 'skipped' | 'cancelled';
/** `replaced`: another run took the work folder. Clients write it; a workflow does not know. */
export type RunState = 'running' | 'paused' | 'held' | 'done' | 'failed' | 'cancelled' | 'replaced';

export interface StageStatus extends Counts {
  name: string;
  needs: string[];
  state: StageState;
  /** Milliseconds since 1970, workflow time. */
  startedAt?: number;
  endedAt?: number;
  /** How long the run was paused in between, without a pause that has not ended. */
  waitedMs?: number;
  /** Why the stage failed, is held, or was skipped; absent if `error` is set. */
  reason?: string;
  /** Why the stage as a whole could not run, such as an unreadable item list. */
  error?: WireError;
  /**
   * Workflow to query with {@link stageStatusQuery} for exact counts while the stage runs; this status lags
   * by up to 2 % of the items.
   */
  workflowId?: string;
  /** The first few failed items. */
  failures: FailedItem[];
  /** For the time left of a running stage; absent until an item has ended. */
  work?: Work;
}

/** Whether a stage stopped because another run has taken the work folder. */
export function isTakenOver({ error, failures }: StageStatus): boolean {
  return [error, ...failures.map((failure) => failure.error)].some((one) => one?.code === 'TakenOver');
}

/** Answer of {@link statusQuery} and, at the end, the run workflow's result. */
export interface RunStatus {
  run: string;
  pipeline: string;
  work: string;
  state: RunState;
  startedAt: number;
  endedAt?: number;
  /** How long the run was paused or held, without a wait that has not ended. */
  waitedMs?: number;
  /** Since when the run is paused or held. */
  waitingSince?: number;
  stages: StageStatus[];
  /** One sentence for people: what the run is doing or waiting for, or how it ended. */
  message: string;
}

/** Answer of {@link stageStatusQuery}: the stage and, where one is fused with it, its follower. */
export type StageStatuses = StageStatus[];

export const statusQuery = defineQuery<RunStatus>('status');
export const stageStatusQuery = defineQuery<StageStatuses>('stageStatus');

/**
 * Pauses a run: no new item starts until {@link resumeUpdate}; running items finish. Refused if the run has
 * ended or is already paused.
 */
export const pauseUpdate = defineUpdate<RunStatus>('pause');

/**
 * Continues a paused run; restarts the held stages of a held run, in which only failed items run again.
 * Stages whose outputs were changed or deleted run again first. `stages` limits the retry;
 * the name of a stage of the file means its held cells. Refused if there is nothing to resume.
 */
export const resumeUpdate = defineUpdate<RunStatus, [ResumeRequest]>('resume');
export interface ResumeRequest {
  stages?: string[];
}

/**
 * Skips in a held run: `stage` accepts a held stage with the items it has; `stage@item` leaves the item out
 * of the held stage and retries the rest.
 */
export const skipUpdate = defineUpdate<RunStatus, [SkipRequest]>('skip');
export interface SkipRequest {
  target: string;
}

// To cancel a run, cancel its workflow (`handle.cancel()`): items stop at their next safe point, finished
// work is kept, `<work>/.runs/<run>/run.json` records the status, and the run can be resumed.

/** Changes how many items of a running or waiting stage may run at once. */
export const setMaxParallelUpdate = defineUpdate<RunStatus, [MaxParallelRequest]>('setMaxParallel');
export interface MaxParallelRequest {
  stage: string;
  maxParallel: number;
}

/** What a finished stage passes to the stages that need it. */
export interface StageOutcome extends Tally {
  name: string;
  state: 'done' | 'failed' | 'skipped';
  /** Absent if the stage was skipped. */
  items?: ItemsRef;
  /** The steps whose receipts the items are based on; see `UsedReceipts`. Absent if the stage was skipped. */
  receipts?: FileRef;
  /** Outputs of a stage of one item. */
  outputs?: JsonObject;
  reason?: string;
  error?: WireError;
}

/** From the run to a stage. */
export const stageControlSignal = defineSignal<[StageControl]>('control');
export interface StageControl {
  paused?: boolean;
  maxParallel?: Record<string, number>;
}

/** From a stage to its run, at most once per 2 % of the items. */
export const stageProgressSignal = defineSignal<[StageStatuses]>('progress');
