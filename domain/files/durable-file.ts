import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asWriteError, temporaryName } from './atomic.js';
import { makeFoldersBelow } from './make-folders.js';

/**
 * Asynchronous variant of `writeAtomic` for the worker's main thread, where a blocking fsync would delay
 * heartbeats. A reader sees either the old file or the complete new one, even after a power failure.
 * @param root existing folder, below which the folders of `path` are created
 * @throws SamMilError DiskFull, InvalidInput if the path is not writable
 */
export async function writeDurably(root: string, path: string, data: string): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await makeFoldersBelow(root, dirname(path));
    await writeAndSync(temporary, data);
    await rename(temporary, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asWriteError(error, path);
  }
}

/**
 * Like {@link writeDurably} without flushing, for files that may be lost in a power failure, such as caches
 * and pointers that are checked when they are read.
 * @throws SamMilError DiskFull, InvalidInput if the path is not writable
 */
export async function writeWhole(root: string, path: string, data: string): Promise<void> {
  const temporary = temporaryName(path);
  try {
    await makeFoldersBelow(root, dirname(path));
    const file = await open(temporary, 'wx');
    await file.writeFile(data).finally(() => file.close());
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw asWriteError(error, path);
  }
}

export async function writeAndSync(path: string, data: string): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Flushes a file or folder to disk. Windows cannot flush folders, but its file system journals renames. */
export async function syncPath(path: string): Promise<void> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (process.platform === 'win32') return;
    throw error;
  }
  await file.sync().finally(() => file.close());
}
