/**
 * Library face: what the command line does, for programs.
 *
 * ```ts
 * const run = await runPipeline('study.yaml', { set: { magnification: '20' }, work: '/scratch/study' });
 * console.log(run.state, run.stages);
 * ```
 *
 * A server is chosen as on the command line: `address`, `profile`, Temporal's environment variables and
 * configuration file, else the embedded one on this machine, which is started and, when nobody uses it any more,
 * stopped. Errors are {@link SamMilError}s; {@link InvalidPipelineError} and {@link ServerUnreachable} are
 * subclasses.
 */
import { SamMilError, type ErrorCode, type ErrorFacts } from '../domain/errors.js';
import type { FailedItem } from '../domain/engine/item/tally.js';
import type { Problem } from '../domain/engine/language/problems/problems.js';
import type { RunState, RunStatus, StageState, StageStatus } from '../workflows/messages.js';
import { InvalidPipelineError, ServerUnreachable } from './command-line/errors.js';
import { Interrupt } from './command-line/interrupt.js';
import { PROGRAM } from './command-line/program.js';
import { RunController, type ControllerOptions } from './run/controller.js';
import type { RunListener } from './run/events.js';
import { loadFile, selectPlan, type FileOptions } from './run/load-file.js';
import { RemoteRun } from './run/remote-run.js';
import { findRun, readRunRecord, type RunEntry } from './run/run-index.js';
import { openSession, type ServerChoice } from './server/connect.js';

export { InvalidPipelineError, SamMilError, ServerUnreachable };
export type {
  ErrorCode,
  ErrorFacts,
  FailedItem,
  Problem,
  RunState,
  RunStatus,
  ServerChoice,
  StageState,
  StageStatus,
};

export interface PipelineOptions {
  /** Values of params, as on the command line: text that is read by the param's type. */
  set?: Record<string, string>;
  paramsFile?: string;
  /** Work folder, over the one of the file. */
  work?: string;
  /**
   * Names of packages, or paths of modules, with more activities and models, besides those that the file names.
   */
  plugins?: string[];
}

/** How a run is served and followed. */
export interface FollowOptions extends ServerChoice {
  /** Start a worker beside this process. Default: only for the embedded server. */
  worker?: boolean;
  /** Called about once a second. */
  onStatus?: (status: RunStatus) => void;
  /** Called with lines about set-up steps and about what happens to the run. */
  onLine?: (line: string) => void;
  /**
   * Aborting it stops following: a run whose worker belongs to this call is paused, any other run continues.
   * Default: the first SIGINT, SIGTERM or SIGHUP of this process; a second one then ends the process.
   */
  signal?: AbortSignal;
}

export interface RunPipelineOptions extends PipelineOptions, FollowOptions {
  /** Prefix of the task queues that the run's workers serve. Default: `sam-mil`. */
  prefix?: string;
  /** Stages, `stage@item` or `*` to run again although they are up to date. */
  force?: string[];
  /** Only these stages, or `stage@item`s; what they need must be up to date. */
  only?: string[];
  /** These stages and all that they need. */
  until?: string[];
  /** These stages and all that need them; what comes before must be up to date. */
  from?: string[];
  /**
   * Start a new run even if one of this work folder is open with the same plan. Default: that one continues.
   */
  fresh?: boolean;
}

export interface ResumeRunOptions extends FollowOptions {
  /** Work folder of a run that was started elsewhere. */
  work?: string;
  /** Plugins to use instead of those of the run's plan, as in {@link PipelineOptions}. */
  plugins?: string[];
  /** Retry only these held stages. */
  stages?: string[];
  /** Terminate an open run and restart it from its plan. */
  restart?: boolean;
}

/**
 * All problems of a pipeline file. The file can run if none of them is an error.
 * @throws SamMilError InvalidInput for a file, params file or plugin that cannot be read
 */
export async function validatePipeline(file: string, options: PipelineOptions = {}): Promise<Problem[]> {
  return (await loadFile(file, fileOptions(options))).problems;
}

/**
 * Runs a pipeline until it has ended or is held. Up-to-date steps are skipped. An open run of the same plan
 * continues; any other open run of the work folder is terminated. A run that fails does not throw: its state
 * says so.
 * @throws InvalidPipelineError for a file with errors: `problems` lists them
 * @throws ServerUnreachable
 * @throws SamMilError InvalidInput for files, stages or a work folder that cannot be used; Unavailable for an
 * interrupted run
 */
export async function runPipeline(file: string, options: RunPipelineOptions = {}): Promise<RunStatus> {
  const { plan, items } = selectPlan(await loadFile(file, fileOptions(options)), options);
  const { force, fresh, prefix } = options;
  return follow(
    options,
    (controllerOptions) => RunController.open(plan, { ...controllerOptions, prefix }),
    (controller) => controller.start({ items, force }, fresh),
  );
}

/**
 * Continues a run until it has ended or is held: retries what failed of a held run, continues a paused one,
 * follows one that is running, and restarts one that has ended or that the server no longer knows. Up-to-date
 * steps are skipped.
 * @param run name of the run, the beginning of it, or `latest`
 * @throws ServerUnreachable
 * @throws SamMilError InvalidInput for an unknown run or a damaged plan; Unavailable for an interrupted run
 */
export async function resumeRun(run: string, options: ResumeRunOptions = {}): Promise<RunStatus> {
  const { stages, restart, plugins } = options;
  const entry = findRun(run, options.work);
  return follow(
    options,
    (controllerOptions) => RunController.reopen(entry, controllerOptions, plugins),
    (controller) =>
      restart
        ? controller.restart(entry, 'requested')
        : controller.resume(entry, stages === undefined ? {} : { stages }),
  );
}

/**
 * Where a run is now, or how it ended.
 * @param run name of the run, the beginning of it, or `latest`
 * @throws ServerUnreachable where the run has left no record
 * @throws SamMilError InvalidInput for an unknown run, Unavailable for one that has neither ended nor runs
 */
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
    const remote = session && new RemoteRun(session.client, entry.run);
    if (remote !== undefined && (await remote.state()) === 'open') return await remote.status();
    if (record !== undefined) return record;
    throw resumable(entry, 'is not running and has not ended');
  } finally {
    await session?.close();
  }
}

async function follow(
  options: FollowOptions,
  open: (options: ControllerOptions) => Promise<RunController>,
  choose: (controller: RunController) => Promise<RunEntry>,
): Promise<RunStatus> {
  const { address, namespace, profile, worker } = options;
  const server = { address, namespace, profile };
  const interrupt = options.signal === undefined ? new Interrupt() : undefined;
  const signal = options.signal ?? interrupt?.signal;
  try {
    const listener = listenerOf(options);
    const controller = await open({ server, worker, program: PROGRAM, listener, signal });
    const { entry, outcome } = await controller.run(choose);
    if (outcome.ended === 'result') return outcome.status;
    throw resumable(entry, 'was interrupted');
  } finally {
    interrupt?.dispose();
  }
}

function listenerOf({ onStatus, onLine }: FollowOptions): RunListener {
  return {
    setUp: (line) => onLine?.(line),
    line: (text) => onLine?.(text),
    status: ({ status }) => onStatus?.(status),
    ended: () => undefined,
    closed: () => undefined,
  };
}

function resumable({ run }: RunEntry, what: string): SamMilError {
  return new SamMilError('Unavailable', `run ${run} ${what}`, { next: `npx sam-mil resume ${run}` });
}

function fileOptions({ set = {}, paramsFile, work, plugins }: PipelineOptions): FileOptions {
  return {
    set: Object.entries(set).map(([name, value]) => `${name}=${value}`),
    paramsFile,
    work,
    plugin: plugins,
  };
}
