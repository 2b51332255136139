import {
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimes,
  writeFileSync,
  linkSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SamMilError } from '../errors.js';

const TOUCH_MILLISECONDS = 5_000;
const STALE_MILLISECONDS = 30_000;

/**
 * Runs `work` while holding a lock file, one process at a time (also across hosts that share the folder). The holder touches the file; one
 * that is no longer touched, or whose process on this host is gone, is taken over. `onWait` is called once if there is somebody to wait for.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>, onWait?: () => void): Promise<T> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw refusal(error, dirname(path));
  });
  const mine = `${hostname()} ${process.pid} ${randomUUID()}`;
  for (let waits = 0; !tryLock(path, mine); waits++) {
    // What a dead process left is taken over without a word.
    if (waits === 1) onWait?.();
    breakIfDead(path);
    if (waits > 0) await sleep(200);
  }
  const touch = setInterval(() => utimes(path, new Date(), new Date(), () => undefined), TOUCH_MILLISECONDS);
  touch.unref();
  const release = () => {
    clearInterval(touch);
    if (read(path) === mine) rmSync(path, { force: true });
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    release();
    process.off('exit', release);
  }
}

function tryLock(path: string, mine: string): boolean {
  try {
    writeFileSync(path, mine, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    // On a full disk the file was made but could not be filled: nobody's lock, that others would wait for.
    if (read(path) === '') rmSync(path, { force: true });
    throw refusal(error, dirname(path));
  }
}

/** A home that cannot be written to, as in many containers, is the reader's to mend. */
function refusal(error: unknown, folder: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    const next = 'free some space on that disk, then repeat the command';
    return new SamMilError('DiskFull', 'the disk is full', { file: folder, next, cause: error });
  }
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code)) return error;
  return new SamMilError('InvalidInput', `the folder cannot be made or written to (${code})`, {
    file: folder,
    next: 'let SAM_MIL_CACHE (what is fetched) and SAM_MIL_STATE (server and runs) name folders that this user may write to',
    cause: error,
  });
}

function breakIfDead(path: string): void {
  const content = read(path);
  const [host, pid] = content.split(' ');
  const dead = host === hostname() && Number(pid) > 0 && !isProcessAlive(Number(pid));
  if (!dead && !isUntouched(path)) return;
  // Renamed first: of two that find it dead only one gets it, and a lock taken in between is noticed and put back.
  const taken = `${path}.${process.pid}`;
  try {
    renameSync(path, taken);
    if (read(taken) !== content) linkSync(taken, path);
  } catch {
    // Someone else was faster.
  }
  rmSync(taken, { force: true });
}

/** True for a process of another user too. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function isUntouched(path: string): boolean {
  return existsSync(path) && Date.now() - statSync(path).mtimeMs > STALE_MILLISECONDS;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
