import { join } from 'node:path';
import { absoluteSpec } from '../../activities/plugins/find-plugin.js';
import { loadRegistry } from '../../activities/plugins/load-plugins.js';
import type { Plan } from '../../domain/engine/language/plan/plan.js';
import { runFolder } from '../../domain/engine/store/paths.js';
import { makeRunsFolder } from '../../domain/engine/store/runs-folder.js';
import type { ResumeRequest, RunStatus } from '../../workflows/messages.js';
import { invalid } from '../command-line/errors.js';
import { openSession, type ServerChoice, type Session } from '../server/connect.js';
import { listRequiredParts, setUpNatives } from '../set-up/set-up-natives.js';
import { isAtWork } from './at-work.js';
import { changeNotTaken, hasChangedSource } from './changed-source.js';
import type { RunListener, RunOutcome } from './events.js';
import { followRun } from './follow.js';
import { refuseCopied } from './home.js';
import { LocalWorker } from './local-worker.js';
import { greeting } from './greeting.js';
import { listNeeds, refuseWorkersWithout, type WorkerFacts } from './registered-workers.js';
import { isReplayFault, RemoteRun } from './remote-run.js';
import { readRunPlan, readRunRecord, type RunEntry } from './run-index.js';
import { serverOf } from './run-state.js';
import { readRequest, type RunRequest } from './start-run.js';
import { StatusMemory } from './status-memory.js';
import { unlessAborted } from './unless-aborted.js';
import { LOST_FOLDER, WorkFolder, type Conflicts } from './work-folder.js';

export interface ControllerOptions {
  server: ServerChoice;
  /** Start a local worker process. Default: only for the embedded server. */
  worker?: boolean;
  /** Prefix of the task queues. A known run keeps its own. */
  prefix?: string;
  /** What to do about another run that uses the work folder. */
  conflicts?: Conflicts;
  /** Program that a local worker is started with, see {@link LocalWorker}. */
  program: string;
  listener: RunListener;
  /**
   * Interrupts. Before a run has been chosen, the pending operation rejects with the signal's reason;
   * afterwards `follow` pauses the run if its worker is this controller's.
   */
  signal?: AbortSignal;
}

/** A worker that has just been started answers after some seconds. */
const PAUSE_MILLISECONDS = 15_000;
/** What an interrupt leaves to a start that has begun: a run that nobody follows would not be paused. */
const START_MILLISECONDS = 10_000;

/**
 * Runs one plan: opens its server, starts or continues its run, follows the run to its end, and closes. The
 * command line, its `--json` output and the library are listeners of it.
 *
 * `open` or `reopen`, then one of `start`, `resume`, `restart` and `skip`, then `follow`, and `close` in any
 * case: see `run`.
 */
export class RunController {
  readonly plan: Plan;
  private readonly options: ControllerOptions;
  private readonly session: Session;
  private readonly folder: WorkFolder;
  /** What the local worker serves, where this controller runs one. */
  private needs?: WorkerFacts;
  private worker?: LocalWorker;

  private constructor(plan: Plan, options: ControllerOptions, session: Session) {
    this.plan = plan;
    this.options = options;
    this.session = session;
    const say = (line: string) => options.listener.line(line);
    this.folder = new WorkFolder(plan.work, session, say, options.conflicts);
  }

  /**
   * Connects to the server, starts the embedded one if necessary, and installs what a local worker needs.
   * @throws ServerUnreachable
   * @throws SamMilError InvalidInput for a work folder that cannot be written, for a plugin of the plan that
   * is not installed, and if a running worker lacks one
   */
  static async open(plan: Plan, options: ControllerOptions): Promise<RunController> {
    const { listener, signal } = options;
    try {
      // Refused before a server is started.
      await makeRunsFolder(plan.work);
      const log = (line: string) => listener.setUp(line);
      const opening = openSession(options.server, { start: true, log });
      const session = await unlessAborted(opening, signal).catch((error: unknown) => {
        opening.then((late) => late.close()).catch(() => undefined);
        throw error;
      });
      return await new RunController(plan, options, session).prepare();
    } catch (error) {
      listener.closed();
      throw error;
    }
  }

  /**
   * As {@link open}, for a known run: with its plan and queues, and on its server unless another one is
   * named.
   * @param plugins package names or paths to use instead of the plan's, which may have moved
   */
  static async reopen(
    entry: RunEntry,
    options: ControllerOptions,
    plugins?: readonly string[],
  ): Promise<RunController> {
    const plan = readRunPlan(entry);
    if (plugins !== undefined) plan.plugins = plugins.map((spec) => absoluteSpec(spec, process.cwd()));
    const { queuePrefix: prefix } = await readRequest(entry);
    const server = serverOf(entry, options.server);
    const controller = await RunController.open(plan, { ...options, prefix, server });
    if (hasChangedSource(plan)) controller.say(changeNotTaken(plan));
    return controller;
  }

  /**
   * Starts a run. An open run of the same plan and request in the work folder continues instead, unless
   * `fresh`. Any other open run of the work folder is terminated first, because it would write into the same
   * files; its finished work is kept.
   * @throws SamMilError InvalidInput if such a run is at work, unless the options say to replace it
   */
  async start(request: RunRequest = {}, fresh = false): Promise<RunEntry> {
    const { prefix: queuePrefix, signal } = this.options;
    const starting = this.folder.start(this.plan, { ...request, queuePrefix }, fresh);
    const { entry, isNew } = await unlessAborted(starting, signal, START_MILLISECONDS);
    await this.attach(entry);
    if (!isNew) await this.send(() => this.orRestart(entry, async () => void (await this.wake(entry))));
    return entry;
  }

  /**
   * Continues a run: retries what failed of a held one, continues a paused one, restarts one that has ended
   * or is lost.
   */
  async resume(entry: RunEntry, request: ResumeRequest = {}): Promise<RunEntry> {
    const state = await this.remote(entry).state();
    if (state === 'gone') return this.restart(entry, 'the server no longer knows it');
    if (state !== 'open') return this.restart(entry, `it has ended (${state})`);
    await refuseCopied(entry);
    if (!(await this.folder.isHeldBy(entry))) return this.restart(entry, LOST_FOLDER);
    await this.attach(entry);
    await this.send(() =>
      this.orRestart(entry, async () =>
        this.say((await this.wake(entry, request)) ?? 'the run is open and not held: following it'),
      ),
    );
    return entry;
  }

  /**
   * Starts a known run again from its plan, under the same name; terminates it first if it is open. Other
   * open runs of the work folder are terminated as in {@link start}.
   */
  async restart(entry: RunEntry, why: string): Promise<RunEntry> {
    const restarting = this.folder.restart(entry, why);
    const restarted = await unlessAborted(restarting, this.options.signal, START_MILLISECONDS);
    await this.attach(restarted);
    return restarted;
  }

  /**
   * Continues a held run without `STAGE` or `STAGE@ITEM`.
   * @throws SamMilError InvalidInput for a run that is not open
   */
  async skip(entry: RunEntry, target: string): Promise<RunEntry> {
    const run = this.remote(entry);
    await run.requireOpen();
    await refuseCopied(entry);
    if (!(await this.folder.isHeldBy(entry))) {
      throw invalid(
        `run ${entry.run}: ${LOST_FOLDER}`,
        `restart it with \`npx sam-mil resume ${entry.run}\``,
      );
    }
    await this.attach(entry);
    await this.send(async () => {
      await run.statusOnceServed(this.options.signal);
      await run.skip(target);
      this.say(`continuing without ${target}`);
    });
    return entry;
  }

  /**
   * Reports the run's status until it has ended, is held, or the signal is aborted, and keeps the local
   * worker alive meanwhile. The local worker has been stopped when the promise settles.
   * @throws SamMilError Unavailable for a worker that keeps dying, Internal for a run that ended without a
   * result
   */
  async follow(entry: RunEntry): Promise<RunOutcome> {
    const { listener, signal } = this.options;
    const memory = new StatusMemory(entry);
    let outcome: RunOutcome;
    try {
      const status = await followRun(this.session, entry.run, {
        show: (view) => {
          memory.see(view.status);
          listener.status(view);
        },
        say: (line) => this.say(line),
        tend: () => this.worker?.tend(),
        starting: () => this.worker?.starting,
        moved: () => this.moveWorker(entry),
        record: () => readRunRecord(entry),
        prefix: this.options.prefix,
        signal,
      });
      if (status === undefined) {
        const left = await this.leave(entry);
        outcome = { ended: left.ended };
        if (left.status !== undefined) memory.see(left.status);
      } else outcome = { ended: 'result', status };
    } finally {
      memory.save();
      await this.worker?.stop();
    }
    await listener.ended(entry, outcome);
    return outcome;
  }

  /** The whole sequence: `choose` starts or continues a run, which is followed; always closes. */
  async run(
    choose: (controller: RunController) => Promise<RunEntry>,
  ): Promise<{ entry: RunEntry; outcome: RunOutcome }> {
    try {
      const entry = await choose(this);
      return { entry, outcome: await this.follow(entry) };
    } finally {
      await this.close();
    }
  }

  /** Stops the local worker and leaves the server: an embedded one that nobody else uses is stopped. */
  async close(): Promise<void> {
    this.options.listener.closed();
    try {
      await this.worker?.stop();
    } finally {
      await this.session.close();
    }
  }

  /** Whether the run is on the embedded server. */
  get embedded(): boolean {
    return this.session.kind === 'embedded';
  }

  /** Whether the run is open, or starts again from its plan; whether an open one is working. */
  async stateOf(entry: RunEntry): Promise<{ open: boolean; atWork: boolean }> {
    const open = (await this.remote(entry).state()) === 'open';
    return { open, atWork: open && (await isAtWork(this.session, entry)) };
  }

  private async prepare(): Promise<this> {
    const { listener, signal, prefix, worker = this.session.kind === 'embedded' } = this.options;
    try {
      if (worker) {
        this.needs = await listNeeds(this.plan, this.session, prefix);
        refuseWorkersWithout(this.needs);
        const registry = await loadRegistry(this.plan.plugins, { from: this.plan.base });
        await unlessAborted(
          setUpNatives(listRequiredParts(this.plan, registry), (line) => listener.setUp(line)),
          signal,
        );
      }
      this.say(greeting(this.session, this.needs));
      return this;
    } catch (error) {
      await this.session.close();
      throw error;
    }
  }

  /** Starts the local worker, so that the run can be asked. */
  private async attach(entry: RunEntry): Promise<void> {
    if (this.needs === undefined) return;
    const { program, server } = this.options;
    // The user runs a plan in this folder, whoever else may write there.
    const args = [
      ...['--serve', entry.work, '--commands', 'served'],
      ...(server.profile === undefined ? [] : ['--profile', server.profile]),
    ];
    const log = join(runFolder(entry.work, entry.run), 'worker.log');
    this.worker ??= new LocalWorker(program, this.needs, args, log);
    await this.worker.tend();
  }

  /** Replaces the local worker, whose server is now at another address. */
  private async moveWorker(entry: RunEntry): Promise<void> {
    if (this.needs === undefined) return;
    await this.worker?.stop();
    this.worker = undefined;
    this.needs = { ...this.needs, address: this.session.address };
    await this.attach(entry);
  }

  /**
   * Waits for a request to the chosen run. An interrupt ends the wait: `follow` then pauses the run or leaves
   * it.
   */
  private async send(request: () => Promise<void>): Promise<void> {
    const { signal } = this.options;
    try {
      await unlessAborted(request(), signal);
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    }
  }

  /** Restarts a run whose history this version cannot continue; up-to-date steps are skipped. */
  private async orRestart(entry: RunEntry, request: () => Promise<void>): Promise<void> {
    try {
      await request();
    } catch (error) {
      if (!isReplayFault(error)) throw error;
      await this.restart(entry, 'the code has changed since it was started');
    }
  }

  /** Continues a paused or held run and returns a line about it; undefined for a run that needs nothing. */
  private async wake(entry: RunEntry, request: ResumeRequest = {}): Promise<string | undefined> {
    const run = this.remote(entry);
    const { state } = await run.statusOnceServed(this.options.signal);
    if (state !== 'paused' && state !== 'held') return undefined;
    await run.resume(request);
    return state === 'held' ? 'retrying what failed' : 'continuing where it was paused';
  }

  /**
   * Pauses the run if its worker ends with this process: a worker that is started for another run must not
   * continue it unasked.
   */
  private async leave(entry: RunEntry): Promise<{ ended: 'left' | 'paused'; status?: RunStatus }> {
    if (this.worker?.running !== true) return { ended: 'left' };
    const status = await this.remote(entry).pauseAndLeave(PAUSE_MILLISECONDS);
    return { ended: 'paused', status: status && { ...status, message: 'paused by Ctrl-C' } };
  }

  private remote({ run }: RunEntry): RemoteRun {
    return new RemoteRun(this.session.client, run);
  }

  private say(text: string): void {
    this.options.listener.line(text);
  }
}
