import { Worker } from 'node:worker_threads';

/** A message to the thread. */
export interface ThreadTask<Task> {
  id: number;
  task: Task;
}

/** The thread's answer. It has no result if the task failed. */
export interface ThreadAnswer<Result> {
  id: number;
  result?: Result;
}

/**
 * Runs tasks on a separate thread, in the order in which they are requested, while the caller continues. A
 * task that fails or that kills the thread resolves to undefined: the caller then repeats it and so gets the
 * original error. The thread keeps the process alive only while it has work. The module that it runs must
 * call `serveTasks`.
 */
export class TaskThread<Task, Result> {
  private readonly module: URL;
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, (result: Result | undefined) => void>();
  private tasks = 0;

  constructor(module: URL) {
    this.module = module;
  }

  /** Starts the thread, so that the module is loaded before the first task arrives. */
  start(): void {
    this.worker ??= this.startThread();
  }

  /** Resolves to the task's result, or to undefined if it failed. */
  run(task: Task): Promise<Result | undefined> {
    this.start();
    const id = this.tasks++;
    return new Promise((resolve) => {
      // This comes first because a task that cannot be sent must leave no state behind.
      this.worker?.postMessage({ id, task } satisfies ThreadTask<Task>);
      this.waiting.set(id, resolve);
      this.worker?.ref();
    });
  }

  /** Ends the thread after its current task. Pending tasks resolve to undefined. */
  close(): void {
    this.worker?.postMessage('close');
    this.worker?.unref();
    this.giveUp();
  }

  private startThread(): Worker {
    const worker = new Worker(this.module);
    // A message listener references the thread again, so `unref` is called after adding it.
    worker.on('message', ({ id, result }: ThreadAnswer<Result>) => this.finish(id, result));
    // A thread may report its exit after the next one has started.
    const ended = () => this.worker === worker && this.giveUp();
    worker.on('error', ended);
    worker.on('messageerror', () => void worker.terminate());
    worker.on('exit', ended);
    worker.unref();
    return worker;
  }

  private finish(id: number, result: Result | undefined): void {
    this.waiting.get(id)?.(result);
    this.waiting.delete(id);
    if (this.waiting.size === 0) this.worker?.unref();
  }

  private giveUp(): void {
    this.worker = undefined;
    for (const id of [...this.waiting.keys()]) this.finish(id, undefined);
  }
}
