import { Worker } from 'node:worker_threads';

/**
 * Ends this process, and the process group that it leads, as soon as its parent is gone, even while native
 * code blocks the main thread: it must not keep computing next to the child of a restarted worker. A separate
 * thread checks the parent's process id, which changes when the parent dies.
 * @param parent process id of the parent, if it is known: the parent may have died before this call
 */
export function dieWithParent(parent = process.ppid): void {
  const source = `
    function check() {
      if (process.ppid === ${parent}) return;
      // Fails for a process that leads no group.
      try { process.kill(-process.pid, 'SIGKILL'); } catch {}
      process.kill(process.pid, 'SIGKILL');
    }
    check();
    setInterval(check, 500);
  `;
  const watchdog = new Worker(source, { eval: true, stdout: false, stderr: false });
  watchdog.unref();
}
