import {
  closeSync,
  fstatSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  utimes,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SamMilError } from '../errors.js';
import { machineIdentity } from './machine-identity.js';

const TOUCH_MILLISECONDS = 5_000;
const STALE_MILLISECONDS = 30_000;

/**
 * Runs `work` while holding a lock file, one process at a time, also across hosts that share the folder. The
 * holder touches the file regularly. A lock is taken over if its process on this machine has ended, or if it
 * was not touched while this process watched it for `staleMs`, which needs no common clock. `onWait` is
 * called once if another process holds the lock.
 *
 * @throws SamMilError `InvalidInput` where the folder is not writable, `DiskFull`
 */
export async function withFileLock<T>(
  path: string,
  work: () => Promise<T>,
  onWait?: () => void,
  staleMs = STALE_MILLISECONDS,
): Promise<T> {
  await mkdir(dirname(path), { recursive: true }).catch((error: unknown) => {
    throw refusal(error, dirname(path));
  });
  const mine = `${machineIdentity()} ${process.pid} ${randomUUID()}`;
  const watch = new LockWatch(path, staleMs);
  for (let waits = 0; !tryLock(path, mine); waits++) {
    // The lock of a dead process is taken over without a notice.
    if (waits === 1) onWait?.();
    watch.breakIfDead();
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
    // On a full disk the file is created but stays empty: a lock without an owner, on which others would
    // wait.
    if (read(path) === '') rmSync(path, { force: true });
    throw refusal(error, dirname(path));
  }
}

/** Many containers have a read-only home folder, which only the user can fix. */
function refusal(error: unknown, folder: string): unknown {
  const { code = '' } = error as NodeJS.ErrnoException;
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    const next = 'free some space on that disk, then run the command again';
    return new SamMilError('DiskFull', 'the disk is full', { file: folder, next, cause: error });
  }
  if (!['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST'].includes(code)) return error;
  return new SamMilError('InvalidInput', `the folder cannot be created or is not writable (${code})`, {
    file: folder,
    next: 'set SAM_MIL_CACHE (downloads) and SAM_MIL_STATE (server and runs) to folders that this user can write to',
    cause: error,
  });
}

/** A lock of another process, as this process has seen it. */
class LockWatch {
  private readonly path: string;
  private readonly staleMs: number;
  private seen = { content: '', touched: 0, since: performance.now() };

  constructor(path: string, staleMs: number) {
    this.path = path;
    this.staleMs = staleMs;
  }

  /** Removes the lock if its process has ended, or if it has not been touched for a while. */
  breakIfDead(): void {
    const { content, touched } = look(this.path);
    if (content !== this.seen.content || touched !== this.seen.touched) {
      this.seen = { content, touched, since: performance.now() };
    }
    const [machine, pid] = content.split(' ');
    const dead = machine === machineIdentity() && Number(pid) > 0 && !isProcessAlive(Number(pid));
    if (!dead && performance.now() - this.seen.since < this.staleMs) return;
    // Renaming first ensures that only one of two processes breaks the lock. A lock acquired meanwhile is put
    // back.
    const taken = `${this.path}.${process.pid}`;
    try {
      renameSync(this.path, taken);
      if (read(taken) !== content) linkSync(taken, this.path);
    } catch {
      // Another process was faster.
    }
    rmSync(taken, { force: true });
  }
}

/** Content and time of change of a lock. NFS returns current times only for a file that was just opened. */
function look(path: string): { content: string; touched: number } {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return { content: '', touched: 0 };
  }
  try {
    return { content: readFileSync(file, 'utf8'), touched: fstatSync(file).mtimeMs };
  } finally {
    closeSync(file);
  }
}

/** Also true for a process of another user. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
