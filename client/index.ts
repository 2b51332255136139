/**
 * Library face: what the command line does, for programs.
 *
 * ```ts
 * const run = await runPipeline('study.yaml', { set: { magnification: '20' }, work: '/scratch/study' });
 * console.log(run.state, run.stages);
 * ```
 *
 * A server is chosen as on the command line: `address`, `profile`, Temporal's environment variables and configuration file, else the embedded one
 * on this machine, which is started and, when nobody uses it any more, stopped. Errors are {@link SamMilError}; {@link ServerUnreachable} among them.
 */
import { SamMilError } from '../domain/errors.js';
import type { Problem } from '../domain/engine/language/problems/problems.js';
import { checkForced, selectStages } from '../domain/engine/language/select-stages.js';
import type { RunStatus } from '../workflows/messages.js';
import { openSession, type ServerChoice } from './server/connect.js';
import { driveRun, needsOf } from './run/drive-run.js';
import { InvalidPipelineError, ServerUnreachable } from './command-line/errors.js';
import { askStatus } from './run/follow.js';
import { Interrupt } from './run/interrupt.js';
import { loadFile } from './run/load-file.js';
import { findRun, readRunRecord } from './run/run-index.js';
import { serverStateOf } from './run/open-runs.js';
import { refuseWorkersWithout } from './run/registered-workers.js';
import { partsOf, setUpNatives } from './set-up/set-up-natives.js';
import { continueOrStart } from './run/start-or-continue.js';

export { InvalidPipelineError, SamMilError, ServerUnreachable };
export type { Problem, RunStatus, ServerChoice };

export interface PipelineOptions {
  /** Values of params, as on the command line: text that is read by the param's type. */
  set?: Record<string, string>;
  paramsFile?: string;
  /** Work folder, over the one of the file. */
  work?: string;
  /** Paths of modules with further activities. */
  plugins?: string[];
}

export interface RunPipelineOptions extends PipelineOptions, ServerChoice {
  /** Start a worker beside this process. Default: only for the embedded server. */
  worker?: boolean;
  /** Stages, `stage@item` or `*` to be done again in spite of receipts. */
  force?: string[];
  /** Only these stages, or `stage@item`s; what they need must stand already. */
  only?: string[];
  /** These stages and all that they need. */
  until?: string[];
  /** These stages and all that needs them; what comes before must stand already. */
  from?: string[];
  /** Start a new run even if one of this work folder is open with the same plan; default: that one goes on. */
  fresh?: boolean;
  /** Called about once a second. */
  onStatus?: (status: RunStatus) => void;
  /** Called with lines about set-up steps. */
  onLine?: (line: string) => void;
}

/** All problems of a pipeline file; it can run if none of them is an error. Throws `InvalidInput` for a file that can't be read. */
export async function validatePipeline(file: string, options: PipelineOptions = {}): Promise<Problem[]> {
  return (await loadFile(file, fileOptions(options))).problems;
}

/**
 * Runs a pipeline until it has ended or is held; what receipts prove done is not done again, and an open run of the same plan goes on. Throws
 * {@link InvalidPipelineError} with all problems of a file that cannot run. A run that fails does not throw: its state says so.
 */
export async function runPipeline(file: string, options: RunPipelineOptions = {}): Promise<RunStatus> {
  const { plan: whole, problems } = await loadFile(file, fileOptions(options));
  if (whole === undefined) throw new InvalidPipelineError(file, problems);
  const log = options.onLine ?? (() => undefined);
  checkForced(whole, options.force);
  const { plan, items } = selectStages(whole, options);
  const session = await openSession(options, { start: true, log });
  const interrupt = new Interrupt();
  try {
    const worker = options.worker ?? session.kind === 'embedded';
    const needs = needsOf(plan, session, options.plugins);
    if (worker) refuseWorkersWithout(needs);
    if (worker) await setUpNatives(partsOf(plan), log);
    const display = {
      show: ({ status }: { status: RunStatus }) => options.onStatus?.(status),
      line: log,
      end: () => undefined,
    };
    const { force, plugins, profile, fresh = false } = options;
    const wanted = { items, force, plugins, fresh };
    const { entry, onReady } = await continueOrStart(session, display, plan, wanted);
    const parts = { session, display, needs, profile, worker, onReady, interrupt };
    const outcome = await driveRun(entry, parts);
    if (outcome.ended === 'result') return outcome.status;
    throw new SamMilError('Unavailable', `run ${entry.run} was interrupted`, {
      next: `npx sam-mil resume ${entry.run}`,
    });
  } finally {
    interrupt.dispose();
    await session.close();
  }
}

/** Where a run is now, or how it ended. Throws `InvalidInput` for an unknown run, `Unavailable` where nobody can tell. */
export async function runStatus(
  run: string,
  options: ServerChoice & { work?: string } = {},
): Promise<RunStatus> {
  const entry = findRun(run, options.work);
  const record = readRunRecord(entry);
  const session = await openSession(options, { start: false, log: () => undefined }).catch(
    (error: unknown) => {
      if (record !== undefined) return undefined;
      throw error;
    },
  );
  try {
    const open = session !== undefined && (await serverStateOf(session.client, entry.run)) === 'open';
    if (open) return await askStatus(session.client, entry.run);
    if (record !== undefined) return record;
    throw new SamMilError('Unavailable', `run ${entry.run} is not at work and has not ended`, {
      next: `npx sam-mil resume ${entry.run}`,
    });
  } finally {
    await session?.close();
  }
}

function fileOptions({
  set = {},
  paramsFile,
  work,
  plugins,
}: PipelineOptions): Parameters<typeof loadFile>[1] {
  return {
    set: Object.entries(set).map(([name, value]) => `${name}=${value}`),
    paramsFile,
    work,
    plugin: plugins,
  };
}
