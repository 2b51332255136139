import { parentPort } from 'node:worker_threads';
import type { ThreadAnswer, ThreadTask } from './task-thread.js';

/**
 * The other end of a `TaskThread`: begins each task as it comes, until the thread is told to end.
 * @param transfer memory of a result that is handed over without a copy
 */
export function serveTasks<Task, Result>(
  work: (task: Task) => Result | Promise<Result>,
  transfer: (result: Result) => ArrayBufferLike[] = () => [],
): void {
  parentPort?.on('message', (message: ThreadTask<Task> | 'close') => {
    if (message === 'close') parentPort?.close();
    else void answer(message, work, transfer);
  });
}

async function answer<Task, Result>(
  { id, task }: ThreadTask<Task>,
  work: (task: Task) => Result | Promise<Result>,
  transfer: (result: Result) => ArrayBufferLike[],
): Promise<void> {
  try {
    const result = await work(task);
    parentPort?.postMessage({ id, result } satisfies ThreadAnswer<Result>, transfer(result) as ArrayBuffer[]);
  } catch {
    // The caller does it itself, and meets the error first hand.
    parentPort?.postMessage({ id } satisfies ThreadAnswer<Result>);
  }
}
