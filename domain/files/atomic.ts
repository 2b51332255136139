import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isDiskFull, SamMilError } from '../errors.js';

/** A name beside `path` that no other attempt uses: what is written there appears under `path` only by {@link commitTemporary}. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.partial`);
}

/**
 * Writes `data` as `path` so that a reader sees either the old file or the whole new one, also after a power cut: temporary name, fsync,
 * rename, fsync of the folder.
 * @throws SamMilError DiskFull (retryable) or InvalidInput where the folder is missing or not writable; nothing half-written stays
 */
export function writeAtomic(path: string, data: string | Uint8Array): void {
  const temporary = temporaryName(path);
  try {
    writeWhole(temporary, typeof data === 'string' ? Buffer.from(data, 'utf8') : data);
    commitTemporary(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw asWriteError(error, path);
  }
}

/** Makes a finished temporary file durable (`flush` says how, where a part of that has been done) and gives it its name. */
export function commitTemporary(
  temporary: string,
  path: string,
  flush: () => void = () => fsyncPath(temporary),
): void {
  flush();
  renameSync(temporary, path);
  fsyncPath(dirname(path));
}

/** Flushes a file or folder to the disk. Folders can't be opened for that on Windows, where the rename itself is journalled. */
export function fsyncPath(path: string): void {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (process.platform === 'win32') return;
    throw error;
  }
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

const UNWRITABLE = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENAMETOOLONG'];

/** A file system's refusal to write, as the error a person can act on. Other errors come back as they are. */
export function asWriteError(error: unknown, path: string): unknown {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  if (isDiskFull(error)) {
    return new SamMilError('DiskFull', 'the disk is full', {
      file: path,
      next: 'free some space on that disk, then resume the run or repeat the command',
      cause: error,
    });
  }
  if (code === 'EXDEV') {
    return new SamMilError('InvalidInput', 'its folder lies on another disk than the work folder', {
      file: path,
      expected: 'one disk for a whole work folder: outputs appear whole, by a change of name',
      next: 'take the mount or link away and let --work name a folder on that disk; pipeline.copy brings outputs elsewhere',
      cause: error,
    });
  }
  if (code !== undefined && UNWRITABLE.includes(code)) {
    return new SamMilError('InvalidInput', `cannot be written (${code})`, {
      file: path,
      expected: 'an existing folder that this user may write to',
      next: 'choose another folder, or give this user permission to write there',
      cause: error,
    });
  }
  return error;
}

/** A failed removal (of a file under what is no folder, say) must not hide why writing failed. */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The error that led here is the one to show.
  }
}

function writeWhole(path: string, data: Uint8Array): void {
  const descriptor = openSync(path, 'wx');
  try {
    let done = 0;
    while (done < data.length) done += writeSync(descriptor, data, done, data.length - done);
  } finally {
    closeSync(descriptor);
  }
}
