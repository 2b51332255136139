import { Worker } from 'node:worker_threads';
import { SamMilError } from '../errors.js';
import type { DecodeAnswer, DecodeTask } from './decode-messages.js';
import type { PatchSource } from './patch-reader.js';

/** Patches of one task: few enough to spread a batch over the threads, enough to make a message worth it. */
const TASK_PATCHES = 8;

interface Pending extends DecodeTask {
  resolve(): void;
  reject(error: unknown): void;
}

/**
 * Reads and resizes patches on threads of their own, each with its own handle of the slide, while the caller computes. Threads are asked to end,
 * never killed: a killed one leaks its handle.
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
   * @param pixels n x size x size x 3 in shared memory, filled
   * @throws SamMilError what reading the slide throws
   */
  async decode(coords: Int32Array, pixels: Uint8Array): Promise<void> {
    const bytes = this.source.size * this.source.size * 3;
    const tasks: Promise<void>[] = [];
    for (let start = 0; start < coords.length / 2; start += TASK_PATCHES) {
      const end = Math.min(coords.length / 2, start + TASK_PATCHES);
      const task = {
        coords: coords.slice(2 * start, 2 * end),
        pixels: pixels.subarray(start * bytes, end * bytes),
      };
      tasks.push(new Promise<void>((resolve, reject) => this.waiting.push({ ...task, resolve, reject })));
    }
    this.assign();
    // All of them, also when one fails: nobody may write into `pixels` after this call has ended.
    const outcomes = await Promise.allSettled(tasks);
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed) throw failed.reason;
  }

  /** Drops what has not begun and waits until every thread has closed its slide. */
  async close(): Promise<void> {
    for (const task of this.waiting.splice(0)) task.reject(new Error('the decoder was closed'));
    await Promise.all(this.threads.map((thread) => thread.close()));
  }

  private assign(): void {
    for (const thread of this.threads) {
      if (this.waiting.length === 0) return;
      if (thread.idle) thread.start(this.waiting.shift() as Pending);
    }
  }
}

class DecodeThread {
  private readonly worker: Worker;
  private readonly onIdle: () => void;
  private current?: Pending;
  private ended = false;
  private failure?: Error;

  constructor(source: PatchSource, onIdle: () => void) {
    this.onIdle = onIdle;
    this.worker = new Worker(new URL('./decode-thread.js', import.meta.url), { workerData: source });
    this.worker.on('message', (answer: DecodeAnswer) => this.finish(errorOf(answer)));
    this.worker.on('error', (error) => (this.failure = error));
    this.worker.on('exit', () => {
      this.ended = true;
      if (this.current) this.finish(this.failure ?? new Error('a decoding thread ended before its work'));
    });
  }

  get idle(): boolean {
    return this.current === undefined;
  }

  start(task: Pending): void {
    this.current = task;
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
    const task = this.current;
    this.current = undefined;
    if (error) task?.reject(error);
    else task?.resolve();
    this.onIdle();
  }
}

function errorOf({ error }: DecodeAnswer): Error | undefined {
  if (error === undefined) return undefined;
  return error.code ? new SamMilError(error.code, error.message) : new Error(error.message);
}
