import { Worker } from 'node:worker_threads';
import { decodeError } from '../../machine/threads/wire-error.js';
import type { DecodeAnswer, DecodeTask } from './decode-messages.js';
import type { PatchSource } from './patch-reader.js';

/** Patches per task: few enough to distribute a batch over the threads, enough to justify a message. */
const TASK_PATCHES = 8;

/**
 * Tasks queued per thread. A second task is ready in advance, so that a thread never waits for a busy main
 * thread.
 */
const TASKS_AHEAD = 2;

interface Pending extends DecodeTask {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Reads and resizes patches on separate threads, each with its own slide handle, while the caller computes.
 * Threads are asked to end and never killed, because a killed thread leaks its handle.
 */
export class PatchDecoder {
  private readonly source: PatchSource;
  private readonly threads: DecodeThread[];
  private readonly waiting: Pending[] = [];

  constructor(source: PatchSource, threads: number) {
    this.source = source;
    this.threads = Array.from({ length: threads }, () => new DecodeThread(source, () => this.assign()));
  }

  /**
   * @param coords n x 2, level-0 pixels
   * @param pixels for each fit of the source, n x size x size x 3 in shared memory, which is filled
   * @throws SamMilError as reading the slide
   */
  async decode(coords: Int32Array, pixels: readonly Uint8Array[]): Promise<void> {
    const sizes = this.source.fits.map(({ size }) => size * size * 3);
    const tasks: Promise<void>[] = [];
    for (let start = 0; start < coords.length / 2; start += TASK_PATCHES) {
      const end = Math.min(coords.length / 2, start + TASK_PATCHES);
      const task = {
        coords: coords.slice(2 * start, 2 * end),
        pixels: sizes.map((bytes, fit) => pixels[fit].subarray(start * bytes, end * bytes)),
      };
      tasks.push(new Promise<void>((resolve, reject) => this.waiting.push({ ...task, resolve, reject })));
    }
    this.assign();
    // Wait for all tasks even if one fails: no thread may write into `pixels` after this call returns.
    const outcomes = await Promise.allSettled(tasks);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Drops waiting tasks and waits until every thread has closed its slide. */
  async close(): Promise<void> {
    for (const task of this.waiting.splice(0)) task.reject(new Error('the decoder was closed'));
    await Promise.all(this.threads.map((thread) => thread.close()));
  }

  /** Assigns tasks to the least busy thread until all threads have enough. */
  private assign(): void {
    while (this.waiting.length > 0) {
      const next = this.threads.reduce((least, thread) => (thread.load < least.load ? thread : least));
      if (next.load >= TASKS_AHEAD) return;
      next.start(this.waiting.shift() as Pending);
    }
  }
}

class DecodeThread {
  private readonly worker: Worker;
  private readonly onRoom: () => void;
  /** Assigned tasks without an answer, in the order of the answers. */
  private readonly given: Pending[] = [];
  private ended = false;
  private failure?: Error;

  constructor(source: PatchSource, onRoom: () => void) {
    this.onRoom = onRoom;
    this.worker = new Worker(new URL('./decode-thread.js', import.meta.url), { workerData: source });
    this.worker.on('message', ({ error }: DecodeAnswer) => this.finish(error && decodeError(error)));
    this.worker.on('error', (error) => (this.failure = error));
    this.worker.on('exit', () => {
      this.ended = true;
      while (this.given.length > 0)
        this.finish(this.failure ?? new Error('a decoding thread ended before it finished its tasks'));
    });
  }

  /** Number of tasks ahead of a new one. */
  get load(): number {
    return this.given.length;
  }

  start(task: Pending): void {
    this.given.push(task);
    if (this.ended) this.finish(this.failure ?? new Error('the decoding thread has ended'));
    else this.worker.postMessage({ coords: task.coords, pixels: task.pixels } satisfies DecodeTask);
  }

  async close(): Promise<void> {
    if (this.ended) return;
    await new Promise<void>((resolve) => {
      this.worker.once('exit', () => resolve());
      this.worker.postMessage('close');
    });
  }

  private finish(error: Error | undefined): void {
    const task = this.given.shift();
    if (error) task?.reject(error);
    else task?.resolve();
    this.onRoom();
  }
}
