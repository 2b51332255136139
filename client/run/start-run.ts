import { existsSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { ServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { digestOf } from '../../domain/digest.js';
import { canonicalJson } from '../../domain/json.js';
import { SamMilError } from '../../domain/errors.js';
import { PLAN } from '../../domain/engine/language/plan/plan-record.js';
import type { Plan, PlanRef } from '../../domain/engine/language/plan/plan.js';
import { runCommand } from '../../domain/machine/run-command.js';
import { userName } from '../../domain/machine/user-name.js';
import { writeDurably } from '../../domain/files/durable-file.js';
import type { Lease } from '../../domain/engine/store/lease.js';
import { REQUEST_RECORD } from '../../domain/engine/store/run-records.js';
import { planPath, runFolder } from '../../domain/engine/store/paths.js';
import {
  DEFAULT_QUEUE_PREFIX,
  engineQueue,
  RUN_WORKFLOW,
  type RunHeader,
  type RunInput,
} from '../../workflows/messages.js';
import type { Session } from '../server/connect.js';
import { serverFailure } from '../server/server-failure.js';
import { forgetRunRecord, readRunPlan, rememberRun, unusable, type RunEntry } from './run-index.js';

/**
 * What was requested in addition to the plan. Saved in the run's folder, because it applies each time the run
 * is restarted.
 */
export interface RunRequest {
  /** {@link RunInput.items}. */
  items?: Record<string, string[]>;
  /** {@link RunInput.force}. */
  force?: string[];
  /** {@link RunInput.queuePrefix}. */
  queuePrefix?: string;
}

/** Takes the work folder for a run; see `takeLease`. */
export type TakeFolder = (run: string) => Promise<Lease>;

/** Writes the plan into the work folder and starts its run. Returns its index entry. */
export async function startRun(
  session: Session,
  plan: Plan,
  request: RunRequest,
  take: TakeFolder,
): Promise<RunEntry> {
  const run = newRunName(plan);
  const ref = await writePlan(plan, run);
  const normalized = normalize(request);
  await writeDurably(plan.work, requestPath(plan.work, run), REQUEST_RECORD.text(normalized));
  const header = await describeRun(plan);
  await execute(session, { run, plan: ref, lease: await take(run), header, ...normalized });
  return remember(session, plan, run);
}

/**
 * Starts a run again from its plan and request: for a run that has ended or whose history is lost. Receipts
 * skip finished work.
 */
export async function startAgain(session: Session, entry: RunEntry, take: TakeFolder): Promise<RunEntry> {
  const plan = readRunPlan(entry);
  // The plan in a moved work folder contains its old path; everything else in it is relative.
  const ref = await writePlan(plan, entry.run);
  const normalized = normalize(await readRequest(entry));
  const header = await describeRun(plan);
  const lease = await take(entry.run);
  forgetRunRecord(entry);
  await execute(session, { run: entry.run, plan: ref, lease, header, ...normalized });
  return remember(session, plan, entry.run);
}

/**
 * Reads the request of a known run.
 * @throws SamMilError InvalidInput if it is missing or damaged
 */
export async function readRequest({ work, run }: Pick<RunEntry, 'work' | 'run'>): Promise<RunRequest> {
  const path = requestPath(work, run);
  const found = await REQUEST_RECORD.read(path);
  if (found.state === 'valid') return found.value;
  throw unusable('the record of what the run was started with', path, found);
}

/** Whether a known run was started from the same plan and request. A damaged record counts as different. */
export async function isSameStart(entry: RunEntry, plan: Plan, request: RunRequest): Promise<boolean> {
  try {
    const known = normalize(await readRequest(entry));
    if (canonicalJson(known) !== canonicalJson(normalize(request))) return false;
    return canonicalJson(readRunPlan(entry)) === canonicalJson(plan);
  } catch {
    return false;
  }
}

/** Turns equal requests into equal objects, which contain only what is set. */
function normalize({ items = {}, force = [], queuePrefix }: RunRequest): RunRequest {
  return {
    ...(Object.keys(items).length > 0 ? { items } : {}),
    ...(force.length > 0 ? { force: [...force].sort() } : {}),
    ...(queuePrefix === undefined || queuePrefix === DEFAULT_QUEUE_PREFIX ? {} : { queuePrefix }),
  };
}

function requestPath(work: string, run: string): string {
  return join(runFolder(work, run), 'start.json');
}

async function execute({ client, address }: Session, input: RunInput): Promise<void> {
  try {
    await client.workflow.start(RUN_WORKFLOW, {
      workflowId: input.run,
      taskQueue: engineQueue(input.queuePrefix),
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      args: [input],
      staticSummary: input.header.description || input.header.pipeline,
    });
  } catch (error) {
    if (error instanceof ServiceError) throw serverFailure(address, error);
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    throw new SamMilError('InvalidInput', `run ${input.run} is already open`, {
      next: `see \`npx sam-mil status ${input.run}\``,
    });
  }
}

async function writePlan(plan: Plan, run: string): Promise<PlanRef> {
  const text = PLAN.text(plan, 1);
  const path = planPath(plan.work, run);
  await writeDurably(plan.work, path, text);
  return { path, digest: digestOf(text) };
}

/**
 * `<pipeline>-<date>-<time>-<three letters>`: sorts by time, and two hosts in the same second get different
 * names.
 */
function newRunName(plan: Plan): string {
  const stamp = new Date().toISOString().replace(/[-:]/g, '').replace('T', '-').slice(0, 15);
  for (;;) {
    const letters = Math.floor(Math.random() * 36 ** 3)
      .toString(36)
      .padStart(3, '0');
    const run = `${plan.name}-${stamp}-${letters}`;
    if (!existsSync(planPath(plan.work, run))) return run;
  }
}

async function describeRun(plan: Plan): Promise<RunHeader> {
  const git = await runCommand('git', ['-C', plan.base, 'rev-parse', 'HEAD'], { timeout: 10_000 });
  return {
    pipeline: plan.name,
    description: plan.description,
    work: plan.work,
    source: plan.source.path,
    user: userName(),
    host: hostname(),
    ...(git.code === 0 ? { git: git.stdout.trim() } : {}),
  };
}

function remember(session: Session, plan: Plan, run: string): RunEntry {
  const entry: RunEntry = {
    run,
    pipeline: plan.name,
    work: plan.work,
    source: plan.source.path,
    started: new Date().toISOString(),
    server: session.kind === 'embedded' ? 'embedded' : session.address,
    namespace: session.namespace,
  };
  rememberRun(entry);
  return entry;
}
