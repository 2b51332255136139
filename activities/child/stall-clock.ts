const LONGEST_TICK_MS = 1000;

/**
 * Calls `onStall` once no sign of progress has come for as long as the limit. Time in which this process
 * itself did not run, as on a suspended machine, does not count: the signs of that time may not have been
 * read yet.
 */
export class StallClock {
  /** In milliseconds. */
  limit: number;
  private silent = 0;
  private last = performance.now();
  private readonly timer: NodeJS.Timeout;

  constructor(limit: number, onStall: () => void) {
    this.limit = limit;
    const tick = Math.min(LONGEST_TICK_MS, limit / 4);
    this.timer = setInterval(() => {
      const now = performance.now();
      this.silent += Math.min(now - this.last, 2 * tick);
      this.last = now;
      if (this.silent < this.limit) return;
      this.stop();
      onStall();
    }, tick);
  }

  /** A sign of progress. */
  touch(): void {
    this.silent = 0;
  }

  stop(): void {
    clearInterval(this.timer);
  }
}
