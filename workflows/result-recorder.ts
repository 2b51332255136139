import { CancellationScope, condition } from '@temporalio/workflow';
import type { ChainScope, EngineActivities, RecordItemsInput } from '../activities/engine/stage-messages.js';

type Entry = RecordItemsInput['results'][number];

const BATCH = 50;
/** A slow stage records after each item, but waits at least this long between records, in milliseconds. */
const EVERY_MS = 5000;

/** Collects results and writes them in batches: one activity for many items. */
export class ResultRecorder {
  private readonly acts: EngineActivities;
  private readonly scope: ChainScope;
  private buffer: Entry[] = [];
  private lastFlush = Date.now();
  private writing = 0;
  /** Number of the next batch. */
  batch: number;
  /** The first failed write; results are then missing, and the stage cannot succeed. */
  error: Error | undefined;
  private readonly failed: (error: Error) => void;

  /** @param failed called with each failed write */
  constructor(acts: EngineActivities, scope: ChainScope, batch: number, failed: (error: Error) => void) {
    this.failed = failed;
    this.acts = acts;
    this.scope = scope;
    this.batch = batch;
  }

  add(entries: Entry[]): void {
    this.buffer.push(...entries);
    const due = this.buffer.length >= BATCH || Date.now() - this.lastFlush >= EVERY_MS;
    if (due) this.flush();
  }

  /** Writes the remaining results and waits for all writes. Throws the first failure. */
  async drain(): Promise<void> {
    await this.drainWithin();
    if (this.error !== undefined) throw this.error;
  }

  /** As {@link drain}, but waits only for so many milliseconds, and does not throw. */
  async drainWithin(milliseconds?: number): Promise<void> {
    this.flush();
    const written = () => this.writing === 0;
    if (milliseconds === undefined) await condition(written);
    else await condition(written, milliseconds);
  }

  private flush(): void {
    this.lastFlush = Date.now();
    if (this.buffer.length === 0) return;
    const results = this.buffer;
    this.buffer = [];
    const batch = this.batch++;
    this.writing += 1;
    void CancellationScope.nonCancellable(async () => {
      try {
        await this.acts['engine.record-items']({ ...this.scope, batch, results });
      } catch (error) {
        this.error ??= error as Error;
        this.failed(error as Error);
      } finally {
        this.writing -= 1;
      }
    });
  }
}
