import { Worker } from 'node:worker_threads';

/** What a thread is asked. */
export interface ThreadTask<Task> {
  id: number;
  task: Task;
}

/** Its answer: no result where the task failed. */
export interface ThreadAnswer<Result> {
  id: number;
  result?: Result;
}

/**
 * Tasks on a thread of its own, begun in the order in which they are asked for, while the caller goes on. A task that fails there, or that the thread dies of, comes back as
 * undefined: the caller does it itself and so meets the error first hand. The thread keeps the process alive only while it has something to do. The
 * module it runs calls `serveTasks`.
 */
export class TaskThread<Task, Result> {
  private readonly module: URL;
  private worker: Worker | undefined;
  private readonly waiting = new Map<number, (result: Result | undefined) => void>();
  private tasks = 0;

  constructor(module: URL) {
    this.module = module;
  }

  /** Has the module loaded by the time that the first task comes. */
  start(): void {
    this.worker ??= this.startThread();
  }

  /** The task's result, or undefined where it failed. */
  run(task: Task): Promise<Result | undefined> {
    this.start();
    const id = this.tasks++;
    return new Promise((resolve) => {
      // First of all: a task that can't be sent must leave nothing behind.
      this.worker?.postMessage({ id, task } satisfies ThreadTask<Task>);
      this.waiting.set(id, resolve);
      this.worker?.ref();
    });
  }

  /** Lets the thread end after what it is doing; tasks that are still waited for come back as undefined. */
  close(): void {
    this.worker?.postMessage('close');
    this.worker?.unref();
    this.giveUp();
  }

  private startThread(): Worker {
    const worker = new Worker(this.module);
    // A listener for messages keeps the process alive again, so it is let go after them.
    worker.on('message', ({ id, result }: ThreadAnswer<Result>) => this.finish(id, result));
    // Its exit may come when the next thread is already at work.
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
