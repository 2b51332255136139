import { realpathSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { isBelow, outsideLink } from '../../files/make-folders.js';
import { insideWork } from './paths.js';

/**
 * Symbolic links in a work folder that lead out of it are refused: following one would compare, replace or
 * delete other people's files. The work folder itself may be a link.
 */

/**
 * Absolute path of a reference inside the work folder, for reading. The file need not exist.
 * @throws SamMilError InvalidInput if the path, or a symbolic link on the way, leaves the folder
 */
export async function resolveInside(work: string, relative: string): Promise<string> {
  const path = insideWork(work, relative);
  await requireInside(work, path);
  return path;
}

/** @throws SamMilError InvalidInput if a symbolic link on the way to `path` leaves the work folder */
export async function requireInside(work: string, path: string): Promise<void> {
  const target = await targetOutside(work, path);
  if (target !== undefined) throw outsideLink(path, target);
}

/** Where `path` is if a symbolic link on the way leaves the work folder; otherwise undefined. */
export async function targetOutside(work: string, path: string): Promise<string | undefined> {
  const target = await realpath(path).catch(() => undefined);
  return target === undefined || isBelow(await realpath(work), target) ? undefined : target;
}

/** Like {@link requireInside}, for the command line. */
export function requireInsideSync(work: string, path: string): void {
  let target: string;
  try {
    target = realpathSync(path);
  } catch {
    return;
  }
  if (!isBelow(realpathSync(work), target)) throw outsideLink(path, target);
}
