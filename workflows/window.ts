/**
 * The sliding window over a chain of stages, as a pure state machine: which item starts next, and when
 * another page is needed. Items come in pages for any position of the chain; an item that ended at one
 * position is passed on to the next.
 */
export class Window<Item extends { position: number }> {
  /** From pages, in manifest order; not started in this execution. */
  private readonly pending: Item[];
  /** Passed on from the previous position; already started, so they come first. */
  private readonly ready: Item[][];
  private readonly inFlight: number[];
  private readonly limits: number[];
  paused = false;
  /** Nothing from `pending` starts; what has started continues to its end. */
  draining = false;
  /** Nothing starts at this position or those after it. */
  private end: number;

  /** @param limits how many items may run at once at each position */
  constructor(limits: number[], pending: Item[] = []) {
    this.end = limits.length;
    this.limits = [...limits];
    this.pending = [...pending];
    this.ready = limits.map(() => []);
    this.inFlight = limits.map(() => 0);
  }

  addPage(items: Item[]): void {
    this.pending.push(...items.filter(({ position }) => position < this.end));
  }

  passOn(item: Item): void {
    if (item.position < this.end) this.ready[item.position].push(item);
  }

  /**
   * Lets nothing start at `position` or those after it, and drops what waits there. Earlier positions
   * continue.
   */
  stop(position = 0): void {
    this.end = Math.min(this.end, position);
    this.ready.slice(this.end).forEach((queue) => queue.splice(0));
    this.pending.splice(0, Infinity, ...this.pending.filter((item) => item.position < this.end));
  }

  setLimit(position: number, limit: number): void {
    this.limits[position] = limit;
  }

  running(position: number): number {
    return this.inFlight[position];
  }

  /**
   * Returns the next item to start and counts it as running; undefined if none may start. Later positions
   * come first, because they finish items.
   */
  take(): Item | undefined {
    if (this.paused) return undefined;
    for (let position = this.end - 1; position >= 0; position--) {
      if (this.inFlight[position] >= this.limits[position]) continue;
      const item = this.ready[position].shift() ?? this.takePending(position);
      if (!item) continue;
      this.inFlight[position] += 1;
      return item;
    }
    return undefined;
  }

  ended(position: number): void {
    this.inFlight[position] -= 1;
  }

  /** Whether nothing starts at any position. */
  get stopped(): boolean {
    return this.end === 0;
  }

  /** First position at which nothing starts, which is also the number of positions that continue. */
  get stoppedFrom(): number {
    return this.end;
  }

  /** Whether no item runs. */
  get idle(): boolean {
    return this.inFlight.every((count) => count === 0);
  }

  /** Whether no item runs and no started item waits. */
  get drained(): boolean {
    return this.idle && this.ready.every((queue) => queue.length === 0);
  }

  get empty(): boolean {
    return this.drained && this.pending.length === 0;
  }

  /** Whether another page will soon be needed: fewer items wait than may run. */
  get hungry(): boolean {
    if (this.paused || this.stopped || this.draining) return false;
    return this.pending.length < this.limits[0] && !this.crowded(0);
  }

  /** Items that have not started, for the next execution. */
  get rest(): Item[] {
    return [...this.pending];
  }

  private takePending(position: number): Item | undefined {
    if (this.draining || this.crowded(position)) return undefined;
    const index = this.pending.findIndex((item) => item.position === position);
    return index < 0 ? undefined : this.pending.splice(index, 1)[0];
  }

  /** Whether too many items wait at a later position: more from here would only pile up. */
  private crowded(position: number): boolean {
    return this.ready.some((queue, later) => later > position && queue.length >= 4 * this.limits[later] + 16);
  }
}
