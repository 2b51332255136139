import { Worker } from 'node:worker_threads';

/**
 * Ends this process as soon as its parent is gone, even while native code blocks the main thread: it must not
 * keep computing next to the child of a restarted worker. A separate thread checks the parent's process id,
 * which changes when the parent dies.
 */
export function dieWithParent(): void {
  const parent = process.ppid;
  const source = `
    setInterval(() => {
      if (process.ppid !== ${parent}) process.kill(process.pid, 'SIGKILL');
    }, 500);
  `;
  const watchdog = new Worker(source, { eval: true, stdout: false, stderr: false });
  watchdog.unref();
}
