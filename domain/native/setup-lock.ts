import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A holder on another host can't be asked whether it lives; a set-up takes minutes, so after this long it is taken for dead. */
const STALE_MS = 20 * 60_000;

/**
 * Runs `work` while holding the lock folder `path`; other processes wait. It saves work that would be done twice: the steps inside must be
 * atomic by themselves, since a lock whose holder died is taken over.
 */
export async function withSetUpLock<T>(path: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  let told = false;
  while (!(await tryLock(path))) {
    if (await isStale(path)) {
      await rm(path, { recursive: true, force: true });
      continue;
    }
    if (!told) onWait();
    told = true;
    await wait(500);
  }
  try {
    return await work();
  } finally {
    await rm(path, { recursive: true, force: true });
  }
}

async function tryLock(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  await writeFile(join(path, 'holder'), JSON.stringify({ host: hostname(), pid: process.pid }));
  return true;
}

async function isStale(path: string): Promise<boolean> {
  try {
    const age = Date.now() - (await stat(path)).mtimeMs;
    if (age > STALE_MS) return true;
    if (age < 2000) return false; // its holder may be about to write its name
    const holder = JSON.parse(await readFile(join(path, 'holder'), 'utf8')) as { host: string; pid: number };
    return holder.host === hostname() && !isAlive(holder.pid);
  } catch {
    return false; // just released, or not yet named: look again
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
