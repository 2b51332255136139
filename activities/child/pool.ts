import { totalmem } from 'node:os';
import type { JobResult } from '../../domain/job.js';
import { setTimeout as sleep } from 'node:timers/promises';
import { Child, type JobListener, type StallLimit } from './child.js';
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

/**
 * Warm forked children, grouped by the runtime whose libraries they have loaded. Starting a child takes a
 * second or more (TensorFlow, OpenCV), so children are reused; one that crashed, was stopped, grew too large
 * or is old is replaced. The caller decides how many run at once.
 */
export class ChildPool {
  private readonly options: Required<PoolOptions>;
  private readonly idle: { child: Child; timer: NodeJS.Timeout }[] = [];
  private readonly busy = new Set<Child>();
  private closed = false;

  constructor(options: PoolOptions = {}) {
    this.options = { ...DEFAULTS, ...options };
  }

  /**
   * Runs a job in a child of the runtime. Throws as {@link Child.run}.
   * @param once the child is new, and it and everything that it has started is killed before this returns
   */
  async run(
    runtime: string,
    job: ChildJob,
    listener: JobListener,
    signal: AbortSignal,
    stall?: StallLimit,
    once = false,
  ): Promise<JobResult> {
    signal.throwIfAborted();
    if (this.closed) throw new Error('the pool of child processes is closed');
    const child = once ? new Child(runtime, this.options.plugins) : this.take(runtime);
    this.busy.add(child);
    try {
      return await child.run(job, listener, signal, { graceMs: this.options.graceMs, stall });
    } finally {
      this.busy.delete(child);
      this.giveBack(child, signal.aborted || once);
      if (once) await child.groupGone();
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
    const gone = Promise.all(children.map((child) => child.gone()));
    await Promise.race([gone, sleep(UNKILLABLE_MS, undefined, { ref: false })]);
  }

  private take(runtime: string): Child {
    const index = this.idle.findIndex(({ child }) => child.runtime === runtime && child.alive);
    if (index < 0) return new Child(runtime, this.options.plugins);
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
