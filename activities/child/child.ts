import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { SamMilError } from '../../domain/errors.js';
import type { JobResult, Progress } from '../../domain/job.js';
import type { JsonObject } from '../../domain/json.js';
import type { Gpu } from '../../domain/machine/gpu/gpu.js';
import type { Usage } from '../../domain/machine/usage.js';
import { decodeError } from '../../domain/machine/threads/wire-error.js';
import { childEnvironment, type ChildSettings } from './environment.js';
import type { ChildJob, ChildPlugin, FromChild, ToChild } from './messages.js';
import { StallClock } from './stall-clock.js';

/** How long a job may go without a sign of progress. */
export interface StallLimit {
  milliseconds: number;
  /** As in the pipeline file: `30m`. */
  text: string;
}

export interface JobListener {
  onProgress(report: Progress): void;
  onLog(level: 'info' | 'warn', message: string, facts?: JsonObject): void;
  /** Called before a job returns its result. */
  onUsage?(usage: Usage): void;
  /** Called with the process that runs the job, which leads a process group. */
  onProcess?(pid: number | undefined): void;
}

const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));
/** Number of output lines that the error message of a crash contains. */
const KEPT_LINES = 20;
/** A child that loads its code from a busy disk may take this long, in milliseconds, whatever its `stall`. */
const SLOWEST_START_MS = 60_000;
const LONGEST_END_MS = 2000;

/** A forked process. Runs one job at a time. */
export class Child {
  readonly runtime: string;
  /** The only GPU that it sees, for as long as it lives. Absent: it sees those that the worker sees. */
  readonly gpu: Gpu | undefined;
  jobs = 0;
  /** Resident memory after the last job, in bytes. */
  rss = 0;
  private readonly process: ChildProcess;
  private readonly ready: Promise<void>;
  private lines: string[] = [];
  private listener: JobListener | undefined;
  private clock: StallClock | undefined;
  private lastReport: Progress | undefined;
  private killed = false;

  constructor(runtime: string, plugins: readonly ChildPlugin[], settings: ChildSettings = {}) {
    this.runtime = runtime;
    this.gpu = settings.gpu;
    this.process = fork(MAIN, [JSON.stringify(plugins)], {
      // Detached from the terminal: at Ctrl-C the worker decides when its children stop, and no signal
      // interrupts a matrix product (see matMul). It leads a process group, which is killed as a whole.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: ['--enable-source-maps'],
      env: childEnvironment(settings),
    });
    // Programs that it started, such as the decoder of an image, must not outlive it.
    this.process.on('exit', () => this.killGroup());
    this.process.on('message', () => this.clock?.touch());
    this.keepLines(this.process.stdout);
    this.keepLines(this.process.stderr);
    this.ready = this.next((message) => message.type === 'ready').then(() => undefined);
    this.ready.catch(() => undefined);
  }

  get alive(): boolean {
    const { exitCode, signalCode, connected } = this.process;
    return !this.killed && exitCode === null && signalCode === null && connected;
  }

  get pid(): number | undefined {
    return this.process.pid;
  }

  /**
   * Runs a job. When `signal` aborts, the child is asked to stop; it is killed if it has not ended after
   * `graceMs`. It is also killed if it sends nothing, neither progress nor log, for as long as `stall` says.
   * @throws what the job threw, ChildCrashed if the process ended, Stalled, the signal's reason if the job
   * was stopped
   */
  async run(
    job: ChildJob,
    listener: JobListener,
    signal: AbortSignal,
    { graceMs, stall }: { graceMs: number; stall?: StallLimit },
  ): Promise<JobResult> {
    this.listener = listener;
    listener.onProcess?.(this.pid);
    this.lines = [];
    this.lastReport = undefined;
    this.jobs += 1;
    let killer: NodeJS.Timeout | undefined;
    const stop = () => {
      this.send({ type: 'cancel', reason: String(signal.reason) });
      killer = setTimeout(() => this.kill(), graceMs);
    };
    try {
      const stalled = this.stalled(stall);
      await Promise.race([this.ready, stalled]);
      if (stall !== undefined && this.clock !== undefined) this.clock.limit = stall.milliseconds;
      const ended = this.next((message) => message.type === 'result' || message.type === 'error');
      ended.catch(() => undefined);
      this.send({ type: 'run', job });
      if (signal.aborted) stop();
      else signal.addEventListener('abort', stop, { once: true });
      return this.resultOf(await Promise.race([ended, stalled]));
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      signal.removeEventListener('abort', stop);
      clearTimeout(killer);
      this.clock?.stop();
      this.listener = undefined;
    }
  }

  /** Kills the process and all processes that it started. */
  kill(): void {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.killed = true;
    this.killGroup();
    this.process.kill('SIGKILL');
  }

  /** Waits until the process has ended. */
  async gone(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    await new Promise<void>((resolve) => this.process.once('exit', () => resolve()));
  }

  /**
   * Waits until no process of its group is left, but not forever: one that waits for a disk cannot be killed,
   * and one that nobody waits for stays listed.
   */
  async groupGone(): Promise<void> {
    const deadline = performance.now() + LONGEST_END_MS;
    while (this.groupExists() && performance.now() < deadline) await sleep(10);
  }

  private groupExists(): boolean {
    const { pid } = this.process;
    try {
      return pid !== undefined && process.kill(-pid, 0);
    } catch {
      return false;
    }
  }

  /** Never resolves. Rejects after killing the process if it shows no progress. */
  private stalled(limit: StallLimit | undefined): Promise<never> {
    const stalled = new Promise<never>((_, fail) => {
      if (limit === undefined) return;
      const whileStarting = Math.max(limit.milliseconds, SLOWEST_START_MS);
      this.clock = new StallClock(whileStarting, () => {
        // Rejects without waiting for its end: a process that waits for a disk cannot be killed.
        this.kill();
        fail(this.stallError(limit));
      });
    });
    stalled.catch(() => undefined);
    return stalled;
  }

  private stallError({ text }: StallLimit): SamMilError {
    const { lastReport } = this;
    const last =
      lastReport === undefined
        ? 'it has not reported any progress'
        : `its last report was ${lastReport.done} of ${lastReport.total} ${lastReport.unit}`;
    return new SamMilError('Stalled', `the step made no progress for ${text}, and its process was killed`, {
      found: last,
      next: 'check its disk, its GPU and its input; if a single unit of its work takes longer, increase `stall` of the step, or set it to off',
    });
  }

  private killGroup(): void {
    const { pid } = this.process;
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // No process of the group is left.
    }
  }

  private send(message: ToChild): void {
    if (this.process.connected) this.process.send(message, () => undefined);
  }

  private resultOf(message: FromChild): JobResult {
    if (message.type === 'result') {
      this.rss = message.rss;
      this.listener?.onUsage?.(message.usage);
      return message.result;
    }
    if (message.type !== 'error') throw new Error(`unexpected message ${message.type}`);
    this.rss = message.rss;
    throw decodeError(message.error);
  }

  /** Resolves with the next message that `accepts` returns true for; rejects if the process ends first. */
  private next(accepts: (message: FromChild) => boolean): Promise<FromChild> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: FromChild) => {
        if (message.type === 'progress') {
          this.lastReport = message.report;
          this.listener?.onProgress(message.report);
        }
        if (message.type === 'log') this.listener?.onLog(message.level, message.message, message.facts);
        if (!accepts(message)) return;
        release();
        resolve(message);
      };
      // `close` comes after the last line of stderr, `exit` may come before it.
      const onClose = (code: number | null, by: NodeJS.Signals | null) => {
        release();
        reject(this.crashed(code, by));
      };
      const onError = (error: Error) => {
        release();
        reject(error);
      };
      const release = () => {
        this.process.off('message', onMessage).off('close', onClose).off('error', onError);
      };
      this.process.on('message', onMessage).on('close', onClose).on('error', onError);
    });
  }

  private crashed(code: number | null, by: NodeJS.Signals | null): SamMilError {
    const last = this.lines.length === 0 ? 'no output' : `its last output:\n${this.lines.join('\n')}`;
    return new SamMilError('ChildCrashed', `worker process ${endedHow(code, by)}`, {
      found: last,
      next:
        by === 'SIGKILL'
          ? 'if it is killed each time, the host is probably out of memory: run fewer items at once (max-parallel)'
          : 'if it crashes each time, check the input file and the memory of the host',
    });
  }

  private keepLines(stream: NodeJS.ReadableStream | null): void {
    let rest = '';
    stream?.setEncoding('utf8');
    stream?.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = (lines.pop() ?? '').slice(-2000);
      this.clock?.touch();
      for (const line of lines) {
        this.lines.push(line.slice(0, 500));
        this.listener?.onLog('info', line);
      }
      this.lines = this.lines.slice(-KEPT_LINES);
    });
  }
}

function endedHow(code: number | null, by: NodeJS.Signals | null): string {
  if (by === null) return `exited with code ${code}`;
  return by === 'SIGKILL' || by === 'SIGTERM' ? `was killed (${by})` : `crashed (${by})`;
}
