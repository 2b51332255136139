import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { isDiskFull, SamMilError } from '../errors.js';

/**
 * Returns a unique temporary path in the folder of `path`. {@link commitTemporary} moves the file to `path`.
 */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomUUID().slice(0, 8)}.partial`);
}

/** Returns the name of the file that a {@link temporaryName} belongs to; undefined for any other name. */
export function nameOfTemporary(name: string): string | undefined {
  return /^\.(.+)\.[0-9a-f]{8}\.partial$/.exec(name)?.[1];
}

/**
 * Writes a file atomically: temporary name, fsync, rename, fsync of the folder. A reader sees either the old
 * file or the complete new one, even after a power failure.
 * @param mode of the new file; default: as the process's umask allows
 * @throws SamMilError DiskFull (retryable), InvalidInput if the folder is missing or not writable; no partial
 *   file remains
 */
export function writeAtomic(path: string, data: string | Uint8Array, mode?: number): void {
  const temporary = temporaryName(path);
  try {
    writeWhole(temporary, typeof data === 'string' ? Buffer.from(data, 'utf8') : data, mode);
    commitTemporary(temporary, path);
  } catch (error) {
    removeQuietly(temporary);
    throw asWriteError(error, path);
  }
}

/**
 * Flushes a finished temporary file and renames it to `path`.
 * @param flush flushes the file, if part of this has already been done
 */
export function commitTemporary(
  temporary: string,
  path: string,
  flush: () => void = () => fsyncPath(temporary),
): void {
  flush();
  renameSync(temporary, path);
  fsyncPath(dirname(path));
}

/**
 * Flushes a file or folder to disk. Windows cannot open folders for flushing, but its file system journals
 * renames.
 */
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

/**
 * Converts a file system error of a write into a SamMilError with instructions. Other errors are returned
 * unchanged.
 */
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
    return new SamMilError('InvalidInput', 'its folder is on a different disk than the work folder', {
      file: path,
      expected: 'a work folder on a single disk, because outputs are published by renaming',
      next: 'remove the mount or link and set --work to a folder on that disk; use pipeline.copy to copy outputs elsewhere',
      cause: error,
    });
  }
  if (code !== undefined && UNWRITABLE.includes(code)) {
    return new SamMilError('InvalidInput', `cannot be written (${code})`, {
      file: path,
      expected: 'an existing folder with write permission for this user',
      next: 'choose another folder, or give this user write permission there',
      cause: error,
    });
  }
  return error;
}

/**
 * Removes a file. A failure, for example because the parent is not a folder, must not hide the error of the
 * write.
 */
function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // The original error is thrown by the caller.
  }
}

function writeWhole(path: string, data: Uint8Array, mode?: number): void {
  const descriptor = openSync(path, 'wx', mode);
  try {
    let done = 0;
    while (done < data.length) done += writeSync(descriptor, data, done, data.length - done);
  } finally {
    closeSync(descriptor);
  }
}
