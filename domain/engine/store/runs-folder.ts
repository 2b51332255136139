import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { asWriteError } from '../../files/atomic.js';
import { requireInside } from './inside.js';
import { runFolder } from './paths.js';

/**
 * Creates the folder of a work folder's runs if it does not exist, for a command that starts a run: nothing
 * else creates a work folder. Returns its absolute path.
 * @throws SamMilError InvalidInput if the work folder cannot be created or is not writable, or `.runs` is a
 * symbolic link that leads out of it; DiskFull
 */
export async function makeRunsFolder(work: string): Promise<string> {
  const folder = dirname(runFolder(work, 'any'));
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
    await requireInside(work, folder);
    return folder;
  } catch (error) {
    throw asWriteError((await refusalAbove(folder)) ?? error, folder);
  }
}

/**
 * Returns why nothing can be created in the nearest existing folder. Node's recursive mkdir only reports
 * ENOENT for a read-only file system.
 */
async function refusalAbove(folder: string): Promise<unknown> {
  const error = await access(folder, constants.W_OK).then(
    () => undefined,
    (error: NodeJS.ErrnoException) => error,
  );
  const missing = error?.code === 'ENOENT' && dirname(folder) !== folder;
  return missing ? refusalAbove(dirname(folder)) : error;
}
