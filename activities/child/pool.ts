import { totalmem } from 'node:os';
import type { JobResult } from '../../domain/job.js';
import { cudaName, type Gpu } from '../../domain/machine/gpu/gpu.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, type JobListener, type StallLimit } from './child.js';
import type { ChildSettings } from './environment.js';
import type { ChildJob, ChildPlugin } from './messages.js';

export interface PoolOptions {
  /** External plugins, which the children load too. */
  plugins?: readonly ChildPlugin[];
  /** Time in milliseconds that a stopped job has to save its checkpoint before its process is killed. */
  graceMs?: number;
  /** A child is replaced after this many jobs, because native libraries leak. */
  maxJobs?: number;
  /** Resident memory in bytes above which a child is replaced after a job. */
  maxRss?: number;
  /** Idle time in milliseconds after which a child is ended, to free its memory. */
  idleMs?: number;
}

const DEFAULTS: Required<PoolOptions> = {
  plugins: [],
  graceMs: 20_000,
  maxJobs: 500,
  maxRss: totalmem() / 3,
  idleMs: 120_000,
};

const UNKILLABLE_MS = 10_000;

export interface JobOptions extends Pick<ChildSettings, 'programs'> {
  stall?: StallLimit;
  /** The child is new, and it and everything that it has started is killed before `run` returns. */
  once?: boolean;
  /**
   * The only GPU that the child sees. Idle children of other runtimes that hold memory on it end first, and a
   * killed child has ended before `run` returns.
   */
  gpu?: Gpu;
}

/**
 * Warm forked children, grouped by the runtime whose libraries they have loaded. Starting a child takes a
 * second or more (TensorFlow, OpenCV), so children are reused; one that crashed, was stopped, grew too large
 * or is old is replaced. The caller decides how many run at once and on which GPU, which a child keeps.
 */
export class ChildPool {
  private readonly options: Required<PoolOptions>;
  private readonly idle: { child: Child; timer: NodeJS.Timeout }[] = [];
  private readonly busy = new Set<Child>();
  private closed = false;

  constructor(options: PoolOptions = {}) {
    this.options = { ...DEFAULTS, ...options };
  }

  /** Runs a job in a child of the runtime. Throws as {@link Child.run}. */
  async run(
    runtime: string,
    job: ChildJob,
    listener: JobListener,
    signal: AbortSignal,
    { stall, once = false, gpu, programs }: JobOptions = {},
  ): Promise<JobResult> {
    signal.throwIfAborted();
    if (gpu !== undefined) await this.clear(gpu, once ? undefined : runtime);
    if (this.closed) throw new Error('the pool of child processes is closed');
    const child = once
      ? new Child(runtime, this.options.plugins, { gpu, programs })
      : this.take(runtime, gpu);
    this.busy.add(child);
    try {
      return await child.run(job, listener, signal, { graceMs: this.options.graceMs, stall });
    } finally {
      this.busy.delete(child);
      this.giveBack(child, signal.aborted || once);
      if (once) await child.groupGone();
      else if (gpu !== undefined && !child.alive) await bounded(child.gone());
    }
  }

  /** Process ids of all children. Used by tests. */
  get pids(): number[] {
    const children = [...this.busy, ...this.idle.map(({ child }) => child)];
    return children.map((child) => child.pid).filter((pid) => pid !== undefined);
  }

  /** Ends all children and waits for them, but not for one that cannot be killed because its disk is away. */
  async close(): Promise<void> {
    this.closed = true;
    const children = [
      ...this.busy,
      ...this.idle.splice(0).map(({ child, timer }) => (clearTimeout(timer), child)),
    ];
    for (const child of children) child.kill();
    await bounded(Promise.all(children.map((child) => child.gone())));
  }

  /** Ends the idle children on a GPU, except those of one runtime: a process keeps its memory there. */
  private async clear(gpu: Gpu, except: string | undefined): Promise<void> {
    const others = this.idle.filter(({ child }) => isOn(child, gpu) && child.runtime !== except);
    for (const { child, timer } of others) {
      clearTimeout(timer);
      this.retire(child);
    }
    await bounded(Promise.all(others.map(({ child }) => child.gone())));
  }

  private take(runtime: string, gpu: Gpu | undefined): Child {
    const fits = (child: Child) => child.runtime === runtime && child.alive && isOn(child, gpu);
    const index = this.idle.findIndex(({ child }) => fits(child));
    if (index < 0) return new Child(runtime, this.options.plugins, { gpu });
    const [{ child, timer }] = this.idle.splice(index, 1);
    clearTimeout(timer);
    return child;
  }

  /** A stopped job may have left its process in any state, so that process is not reused. */
  private giveBack(child: Child, stopped: boolean): void {
    const { maxJobs, maxRss, idleMs } = this.options;
    const worn = child.jobs >= maxJobs || child.rss > maxRss;
    if (stopped || worn || this.closed || !child.alive) {
      child.kill();
      return;
    }
    const timer = setTimeout(() => this.retire(child), idleMs);
    timer.unref();
    this.idle.push({ child, timer });
  }

  private retire(child: Child): void {
    const index = this.idle.findIndex((entry) => entry.child === child);
    if (index >= 0) this.idle.splice(index, 1);
    child.kill();
  }
}

function isOn(child: Child, gpu: Gpu | undefined): boolean {
  return (child.gpu && cudaName(child.gpu)) === (gpu && cudaName(gpu));
}

/** A process cannot be killed while it waits for a disk that is away. */
async function bounded(gone: Promise<unknown>): Promise<void> {
  await Promise.race([gone, sleep(UNKILLABLE_MS, undefined, { ref: false })]);
}
