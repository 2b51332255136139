import { parentPort } from 'node:worker_threads';
import type { ThreadAnswer, ThreadTask } from './task-thread.js';

/**
 * The thread's side of a `TaskThread`: starts each task on arrival, until the thread is closed.
 *
 * @param transfer returns the buffers of a result that are transferred without a copy
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
    // The caller repeats the task itself and so gets the original error.
    parentPort?.postMessage({ id } satisfies ThreadAnswer<Result>);
  }
}
