import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asWriteError } from '../../files/atomic.js';
import { runFolder } from './paths.js';

/**
 * The folder of a work folder's runs, made where it is not there yet. Absolute path.
 * @throws SamMilError InvalidInput where the work folder cannot be made or written to, DiskFull
 */
export async function makeRunsFolder(work: string): Promise<string> {
  const folder = dirname(runFolder(work, 'any'));
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    return folder;
  } catch (error) {
    throw asWriteError((await refusalAbove(folder)) ?? error, folder);
  }
}

/** Why nothing can be made in the nearest folder that is there: of a read-only file system, Node's recursive mkdir only says ENOENT. */
async function refusalAbove(folder: string): Promise<unknown> {
  const error = await access(folder, constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
  const missing = error?.code === 'ENOENT' && dirname(folder) !== folder;
  return missing ? refusalAbove(dirname(folder)) : error;
}
