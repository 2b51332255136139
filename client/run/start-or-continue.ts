import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Client } from '@temporalio/client';
import { canonicalJson } from '../../domain/json.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { withFileLock } from '../../domain/machine/file-lock.js';
import { makeRunsFolder } from '../../domain/engine/store/runs-folder.js';
import { planPath } from '../../domain/engine/store/paths.js';
import { resumeUpdate, type ResumeRequest, type RunStatus } from '../../workflows/messages.js';
import type { Session } from '../server/connect.js';
import type { Display } from '../display/display.js';
import type { Execution } from './execute-run.js';
import { openAmong } from './open-runs.js';
import { runsIn, type RunEntry } from './run-index.js';
import { startAnew, startOptionsOf, startRun, wantedOf, type StartOptions } from './start-run.js';
import { askStatusPatiently } from './follow.js';

/**
 * Starts a run, unless one with the very same plan and selection is open in the work folder: then that one goes on. Another open run would write
 * into the same folder: it is ended first; what it has finished stays.
 */
export async function continueOrStart(
  session: Session,
  display: Display,
  plan: Plan,
  options: StartOptions & { fresh: boolean },
): Promise<Execution> {
  return alone(plan.work, () => decide(session, display, plan, options));
}

/**
 * Starts an ended run anew from its plan. Another run that is open in its work folder would write into the same files: it is ended first, as where a
 * new one is started.
 */
export async function restart(session: Session, display: Display, entry: RunEntry): Promise<RunEntry> {
  return alone(entry.work, async () => {
    const open = await openAmong(session.client, runsIn(entry.work));
    for (const other of open.filter(({ run }) => run !== entry.run)) await makeWay(session, display, other);
    return startAnew(session, entry);
  });
}

/** Two commands started at once must not both find that no run is open, and then write into each other's files. */
async function alone<T>(work: string, start: () => Promise<T>): Promise<T> {
  return withFileLock(join(await makeRunsFolder(work), '.start.lock'), start);
}

async function decide(
  session: Session,
  display: Display,
  plan: Plan,
  options: StartOptions & { fresh: boolean },
): Promise<Execution> {
  const { client } = session;
  for (const entry of await openAmong(client, runsIn(plan.work))) {
    const wanted = canonicalJson(wantedOf(options));
    const same =
      wanted === canonicalJson(wantedOf(await startOptionsOf(entry))) && (await hasPlan(entry, plan));
    if (same && !options.fresh) {
      display.line(`going on with run ${entry.run}, which was left open`);
      return { entry, onReady: () => wake(session, entry) };
    }
    await makeWay(session, display, entry);
  }
  return { entry: await startRun(session, plan, options) };
}

async function makeWay({ client }: Session, display: Display, { run }: RunEntry): Promise<void> {
  display.line(
    `ending run ${run}, which was left open with another plan or selection; what it has finished stays`,
  );
  await client.workflow.getHandle(run).terminate('replaced by a newer run of this work folder');
}

async function hasPlan(entry: RunEntry, plan: Plan): Promise<boolean> {
  const text = await readFile(planPath(entry.work, entry.run), 'utf8');
  try {
    return canonicalJson(JSON.parse(text) as Plan) === canonicalJson(plan);
  } catch {
    return false; // a spoilt plan is another plan
  }
}

export function sendResume(client: Client, run: string, request: ResumeRequest): Promise<RunStatus> {
  return client.workflow.getHandle(run).executeUpdate(resumeUpdate, { args: [request] });
}

/** A paused or held run goes on; one that runs needs nothing. */
export async function wake(session: Session, entry: RunEntry): Promise<void> {
  const { state } = await askStatusPatiently(session.client, entry.run);
  if (state !== 'paused' && state !== 'held') return;
  await sendResume(session.client, entry.run, {});
}
