/**
 * Package entry `sam-mil`: runs pipelines from programs.
 *
 * ```ts
 * const run = await runPipeline('study.yaml', { set: { magnification: '20' }, work: '/scratch/study' });
 * console.log(run.state, run.stages);
 * ```
 *
 * The server is chosen as on the command line: `address`, `profile`, Temporal's environment variables and
 * configuration file, or else the embedded server on this machine, which is started automatically and stopped
 * when nobody uses it. Errors are {@link SamMilError}s; {@link InvalidPipelineError} and {@link
 * ServerUnreachable} are subclasses.
 */
import { SamMilError, type ErrorCode, type ErrorFacts } from '../domain/errors.js';
import type { FailedItem } from '../domain/engine/item/tally.js';
import type { Problem } from '../domain/engine/language/problems/problems.js';
import type { RunState, RunStatus, StageState, StageStatus } from '../workflows/messages.js';
import { InvalidPipelineError, ServerUnreachable } from './command-line/errors.js';
import { Interrupt } from './command-line/interrupt.js';
import { PROGRAM } from './command-line/program.js';
import { continueRun } from './run/continue-run.js';
import { RunController, type ControllerOptions } from './run/controller.js';
import { checkInputs } from './run/preflight.js';
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
  /** Values of params, as text that is parsed according to the param's type. */
  set?: Record<string, string>;
  paramsFile?: string;
  /** Work folder. Overrides the one in the file. */
  work?: string;
  /** Package names or module paths of plugins, in addition to those that the file names. */
  plugins?: string[];
}

/** How a run is served and followed. */
export interface FollowOptions extends ServerChoice {
  /** Start a local worker process. Default: only for the embedded server. */
  worker?: boolean;
  /** Take the work folder from a run on another server, which is gone for good. Default: refuse to start. */
  takeOver?: boolean;
  /** Terminate another run that is at work in the work folder. Default: refuse to start. */
  replace?: boolean;
  /** Called about once a second. */
  onStatus?: (status: RunStatus) => void;
  /** Called with lines of text about setup and about the run. */
  onLine?: (line: string) => void;
  /**
   * Stops following when aborted: pauses the run if its worker belongs to this call; any other run continues.
   * Default: the first SIGINT, SIGTERM or SIGHUP of this process; a second one ends the process. SIGHUP is
   * ignored under nohup and without a terminal.
   */
  signal?: AbortSignal;
}

export interface RunPipelineOptions extends PipelineOptions, FollowOptions {
  /** Prefix of the task queues that the run's workers serve. Default: `sam-mil`. */
  prefix?: string;
  /** Stages, `stage@item`s or `*` to run again even if they are up to date. */
  force?: string[];
  /** Only these stages, or `stage@item`s; what they need must be up to date. */
  only?: string[];
  /** These stages and everything they need. */
  until?: string[];
  /** These stages and everything that needs them; earlier stages must be up to date. */
  from?: string[];
  /**
   * Start a new run even if one with the same plan is open in this work folder. Default: continue that run.
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
 * continues; any other open run of the work folder is terminated, unless it is at work (see `replace`). A
 * failed run does not throw; its state is `failed`.
 * @throws InvalidPipelineError for a file with errors: `problems` lists them
 * @throws ServerUnreachable
 * @throws SamMilError InvalidInput for files, stages or a work folder that cannot be used; Unavailable for an
 * interrupted run
 */
export async function runPipeline(file: string, options: RunPipelineOptions = {}): Promise<RunStatus> {
  const loaded = await loadFile(file, fileOptions(options));
  const { plan, items } = selectPlan(loaded, options);
  const { registry } = loaded;
  await checkInputs({ plan, items, registry }, options, (line) => options.onLine?.(line));
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
 * @param run name of the run, the start of it, or `latest`
 * @throws ServerUnreachable
 * @throws SamMilError InvalidInput for an unknown run, a damaged plan or faults in its inputs; Unavailable
 *   for an interrupted run
 */
export async function resumeRun(run: string, options: ResumeRunOptions = {}): Promise<RunStatus> {
  const { stages, restart, plugins } = options;
  const entry = findRun(run, options.work);
  return follow(
    options,
    (controllerOptions) => RunController.reopen(entry, controllerOptions, plugins),
    (controller) =>
      continueRun(controller, entry, { server: options, stages, restart }, (line) => options.onLine?.(line)),
  );
}

/**
 * Returns the current status of a run, or how it ended.
 * @param run name of the run, the start of it, or `latest`
 * @throws ServerUnreachable if the run has no record
 * @throws SamMilError InvalidInput for an unknown run, Unavailable for a run that is not running and has not
 * ended
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
  const { address, namespace, profile, worker, takeOver, replace } = options;
  const server = { address, namespace, profile };
  const interrupt = options.signal === undefined ? new Interrupt() : undefined;
  const signal = options.signal ?? interrupt?.signal;
  try {
    const listener = listenerOf(options);
    const conflicts = { takeOver, replace };
    const controller = await open({ server, worker, conflicts, program: PROGRAM, listener, signal });
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
