import { Command } from 'commander';
import type { Session } from '../server/connect.js';
import type { Display } from '../display/display.js';
import { executeRun, type ExecuteOptions, type Execution } from '../run/execute-run.js';
import { askStatusPatiently, isReplayFault } from '../run/follow.js';
import { serverStateOf } from '../run/open-runs.js';
import { addExecuteOptions, collect } from '../command-line/options.js';
import { findRun, readPlanOf, type RunEntry } from '../run/run-index.js';
import { restart, sendResume } from '../run/start-or-continue.js';
import { startOptionsOf } from '../run/start-run.js';

interface ResumeOptions extends ExecuteOptions {
  work?: string;
  stage?: string[];
  anew?: boolean;
}

export function createCommand(): Command {
  const command = new Command('resume')
    .description(
      'Go on with a run: a held one tries again what failed, a paused one goes on, an ended or lost one starts anew (receipts skip what is done)',
    )
    .argument('[run]', 'run, or the beginning of its name', 'latest')
    .option('--work <folder>', 'work folder of a run that was started elsewhere')
    .option('--stage <name>', 'try only this held stage again; may be given several times', collect)
    .option('--anew', 'end an open run and start it anew from its plan');
  return addExecuteOptions(command).action(resume);
}

async function resume(name: string, options: ResumeOptions): Promise<void> {
  await continueRun(name, options, (session, display, entry) => begin(session, display, entry, options));
}

/** Brings a known run's server and worker up, lets `begin` say how it goes on, and shows it to its end. */
export async function continueRun(
  name: string,
  options: ExecuteOptions & { work?: string },
  begin: (session: Session, display: Display, entry: RunEntry) => Promise<Execution>,
): Promise<void> {
  const entry = findRun(name, options.work);
  const plan = readPlanOf(entry);
  const { plugins } = await startOptionsOf(entry);
  const plugin = options.plugin ?? [...(plugins ?? [])];
  await executeRun(plan, { ...withServerOf(entry, options), plugin }, (session, display) =>
    begin(session, display, entry),
  );
}

/** A run goes on where it was started, unless another server is named. */
function withServerOf(entry: RunEntry, options: ExecuteOptions): ExecuteOptions {
  const known = entry.server !== '' && entry.server !== 'embedded';
  if (!known || options.address !== undefined || options.profile !== undefined) return options;
  return { ...options, address: entry.server, namespace: options.namespace ?? entry.namespace };
}

async function begin(
  session: Session,
  display: Display,
  entry: RunEntry,
  options: ResumeOptions,
): Promise<Execution> {
  const state = await serverStateOf(session.client, entry.run);
  if (state !== 'open') {
    const why = state === 'gone' ? 'the server does not know it any more' : `it has ended (${state})`;
    display.line(`starting run ${entry.run} anew from its plan: ${why}; receipts skip what is done`);
    return { entry: await restart(session, display, entry) };
  }
  if (options.anew) return { entry: await replace(session, display, entry, 'asked for') };
  return { entry, onReady: () => goOn(session, display, entry, options) };
}

/** The run is open: what it waits for decides. Its code may have changed under it, which only shows when it is asked. */
async function goOn(
  session: Session,
  display: Display,
  entry: RunEntry,
  options: ResumeOptions,
): Promise<void> {
  try {
    const { state } = await askStatusPatiently(session.client, entry.run);
    if (state === 'paused' || state === 'held') {
      await sendResume(
        session.client,
        entry.run,
        options.stage === undefined ? {} : { stages: options.stage },
      );
      display.line(state === 'held' ? 'trying again what failed' : 'going on where it was paused');
    } else {
      display.line('the run is open and not held: following it');
    }
  } catch (error) {
    if (!isReplayFault(error)) throw error;
    await replace(session, display, entry, 'the code has changed since it was started');
  }
}

async function replace(session: Session, display: Display, entry: RunEntry, why: string): Promise<RunEntry> {
  display.line(`starting run ${entry.run} anew from its plan: ${why}; receipts skip what is done`);
  await session.client.workflow.getHandle(entry.run).terminate(why);
  return restart(session, display, entry);
}
