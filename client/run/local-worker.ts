import { fork, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { SamMilError } from '../../domain/errors.js';
import { othersServe, pluginsOn, type WorkerFacts } from './registered-workers.js';
import { lastLineOf } from '../../domain/last-line.js';

/** How long a worker may take to stop: running steps save a checkpoint meanwhile. */
const STOP_MILLISECONDS = 30_000;

/** A worker that dies this soon after its start would fail again. */
const HOPELESS_MILLISECONDS = 20_000;
const HOPELESS_STARTS = 3;

/** How long a worker may take until it polls; nobody needs to be told meanwhile that no worker does. */
const START_MILLISECONDS = 30_000;

/**
 * The worker of a command. A separate process, so that its load never blocks the display. It is restarted
 * when it dies, and not started while other workers of this user serve everything that the run needs.
 */
export class LocalWorker {
  private child?: ChildProcess;
  private startedAt = 0;
  private failures = 0;
  private readonly program: string;
  private readonly needs: WorkerFacts;
  private readonly args: readonly string[];
  private readonly log: string;

  /**
   * @param program module that Node runs as the command line: `worker` and its options follow
   * @param needs what the worker must serve
   * @param args further options of `worker`
   * @param log file that its output is appended to
   */
  constructor(program: string, needs: WorkerFacts, args: readonly string[], log: string) {
    this.program = program;
    this.needs = needs;
    this.args = args;
    this.log = log;
  }

  /** Whether this object's own worker is running. */
  get running(): boolean {
    return this.child !== undefined;
  }

  /** Whether this object's own worker was started so recently that it may not poll yet. */
  get starting(): boolean {
    return this.running && Date.now() - this.startedAt < START_MILLISECONDS;
  }

  /**
   * Starts the worker if none is running.
   * @throws SamMilError Unavailable if it keeps dying, WorkFolderLost if there is no folder for its log
   */
  async tend(): Promise<void> {
    if (this.child !== undefined || othersServe(this.needs)) return;
    if (this.failures >= HOPELESS_STARTS) {
      throw new SamMilError('Unavailable', 'the worker exits right after it starts', {
        file: this.log,
        found: lastLine(this.log),
        next: 'run `npx sam-mil doctor`',
      });
    }
    this.start();
  }

  private start(): void {
    if (!existsSync(dirname(this.log))) {
      throw new SamMilError('WorkFolderLost', 'the folder of the run is missing', {
        file: dirname(this.log),
        next: 'mount the work folder or move it back, then resume the run',
      });
    }
    const output = openSync(this.log, 'a');
    // A separate process group: Ctrl-C must not reach the worker before its run is paused.
    const child = fork(this.program, ['worker', '--no-set-up', ...this.arguments(), ...this.args], {
      detached: true,
      stdio: ['ignore', output, output, 'ipc'],
    });
    closeSync(output);
    this.child = child;
    this.startedAt = Date.now();
    child.on('error', () => this.ended());
    child.on('exit', () => this.ended());
  }

  private arguments(): string[] {
    const { queues, address, namespace, prefix, plugins } = this.needs;
    const all = new Set([...plugins, ...pluginsOn(this.needs)]);
    return [
      ...['--queues', queues.join(','), '--address', address, '--namespace', namespace],
      ...(prefix === undefined ? [] : ['--prefix', prefix]),
      ...[...all].flatMap((path) => ['--plugin', path]),
    ];
  }

  private ended(): void {
    if (this.child === undefined) return;
    this.child = undefined;
    this.failures = Date.now() - this.startedAt < HOPELESS_MILLISECONDS ? this.failures + 1 : 0;
  }

  /** Stops the worker and waits until its steps have saved their progress. */
  async stop(): Promise<void> {
    const { child } = this;
    if (child === undefined) return;
    this.child = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise<void>((done) => child.once('exit', () => done()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLISECONDS);
    await ended;
    clearTimeout(timer);
  }
}

function lastLine(path: string): string {
  return lastLineOf(readFileSync(path, 'utf8')) ?? '';
}
