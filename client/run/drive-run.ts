import { join } from 'node:path';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { runFolder } from '../../domain/engine/store/paths.js';
import { pauseUpdate, type RunStatus } from '../../workflows/messages.js';
import type { Session } from '../server/connect.js';
import type { Display } from '../display/display.js';
import { followRun } from './follow.js';
import type { Interrupt } from './interrupt.js';
import { LocalWorker } from './local-worker.js';
import { absolutePlugins, type WorkerFacts } from './registered-workers.js';
import { readRunRecord, rememberStatus, type RunEntry } from './run-index.js';

export interface DriveOptions {
  session: Session;
  display: Display;
  /** What a local worker must serve, see {@link needsOf}. */
  needs: WorkerFacts;
  /** Profile of Temporal's configuration file, for a local worker. */
  profile?: string;
  /** Start a worker beside this process; default for the embedded server. */
  worker: boolean;
  /** Ends the following at the first signal. */
  interrupt: Interrupt;
  /** Called once the run can be asked: sends the update that a resume consists of. */
  onReady?: () => Promise<void>;
}

export type DriveOutcome =
  | { ended: 'result'; status: RunStatus }
  /** Ctrl-C: `left` if the run goes on without us, `stopped` if it was paused and its worker stopped. */
  | { ended: 'left' | 'stopped' };

/**
 * Shows a run until it has ended, is held, or Ctrl-C is pressed, keeping a local worker alive meanwhile. Whatever this process started has been
 * stopped when the promise settles, except the session.
 */
export async function driveRun(entry: RunEntry, options: DriveOptions): Promise<DriveOutcome> {
  const { session, display, interrupt } = options;
  const worker = options.worker ? localWorker(entry, options) : undefined;
  let last: RunStatus | undefined;
  try {
    await worker?.tend();
    if (options.onReady !== undefined) await Promise.race([options.onReady(), interrupt.signal]);
    const status = await followRun(session.client, entry.run, {
      show: (view) => {
        last = view.status;
        display.show(view);
      },
      tend: () => worker?.tend() ?? Promise.resolve(),
      record: () => readRunRecord(entry),
      signal: interrupt.aborted,
    });
    if (status !== undefined) return { ended: 'result', status };
    if (worker === undefined || !worker.running) return { ended: 'left' };
    await pause(session, entry.run);
    if (last !== undefined) last = { ...last, state: 'paused', message: 'paused by Ctrl-C' };
    return { ended: 'stopped' };
  } finally {
    display.end();
    if (last !== undefined) rememberStatus(entry, last);
    await worker?.stop();
  }
}

/** What a worker must serve to run a plan: the engine's queue and those of its steps, on the session's server. */
export function needsOf(
  plan: Plan,
  { address, namespace }: Session,
  plugins?: readonly string[],
): WorkerFacts {
  const queues = plan.stages.flatMap((stage) => stage.steps.map((step) => step.queue));
  return {
    queues: [...new Set(['engine', ...queues])],
    address,
    namespace,
    plugins: absolutePlugins(plugins),
  };
}

function localWorker(entry: RunEntry, { needs, profile }: DriveOptions): LocalWorker {
  const args = profile === undefined ? [] : ['--profile', profile];
  return new LocalWorker(needs, args, join(runFolder(entry.work, entry.run), 'worker.log'));
}

/** So that a worker started for another run does not go on with this one behind the user's back. */
async function pause(session: Session, run: string): Promise<void> {
  try {
    await session.client.withDeadline(Date.now() + 5000, () =>
      session.client.workflow.getHandle(run).executeUpdate(pauseUpdate),
    );
  } catch {
    // It has just ended, is paused already, or no worker is up yet: it can be resumed all the same.
  }
}
