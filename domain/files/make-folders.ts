import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import { lstat, mkdir, realpath } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { SamMilError } from '../errors.js';

/**
 * Creates folders below an existing one, level by level. The engine and the activities create folders only
 * here (ESLint checks this): a recursive mkdir recreates a folder that was taken away to stop its owner, such
 * as the scratch folder of a replaced attempt, or a whole work folder that was moved.
 */

/**
 * Creates `folder` below `root` and returns it. The root itself is never created.
 * @throws the file system's ENOENT if the root does not exist; SamMilError InvalidInput if a symbolic link on
 * the way leads out of the root
 */
export async function makeFoldersBelow(root: string, folder: string): Promise<string> {
  for (const level of levelsBelow(root, folder)) {
    try {
      await mkdir(level);
    } catch (error) {
      if (!isThere(error)) throw error;
      if ((await lstat(level)).isSymbolicLink())
        refuseOutside(level, await realpath(root), await realpath(level));
    }
  }
  return folder;
}

/**
 * Creates a subfolder of `job.scratch` or `job.checkpoint` and returns its absolute path.
 * @param parts names, or relative paths with `/`
 * @throws SamMilError Superseded if the folder is gone, because a later attempt has taken over
 */
export function makeScratchFolder(scratch: string, ...parts: string[]): string {
  const folder = join(scratch, ...parts);
  for (const level of levelsBelow(scratch, folder)) {
    try {
      mkdirSync(level);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw goneFolder(scratch, error);
      if (!isThere(error)) throw error;
      if (lstatSync(level).isSymbolicLink()) refuseOutside(level, realpathSync(scratch), realpathSync(level));
    }
  }
  return folder;
}

/** The error of an attempt whose private folder is gone. */
export function goneFolder(scratch: string, cause?: unknown): SamMilError {
  const what = 'the private folder of this attempt is gone: a later attempt has taken over';
  return new SamMilError('Superseded', what, { file: scratch, cause });
}

/** Whether `path` is `root` or below it. Both are absolute; symbolic links are not resolved. */
export function isBelow(root: string, path: string): boolean {
  return path === root || path.startsWith(root.endsWith(sep) ? root : root + sep);
}

function levelsBelow(root: string, folder: string): string[] {
  if (!isBelow(root, folder)) throw new Error(`${folder} is not below ${root}`);
  const names = relative(root, folder)
    .split(sep)
    .filter((name) => name !== '');
  return names.map((_, depth) => join(root, ...names.slice(0, depth + 1)));
}

function isThere(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EEXIST';
}

function refuseOutside(path: string, realRoot: string, realPath: string): void {
  if (!isBelow(realRoot, realPath)) throw outsideLink(path, realPath);
}

/** The error for a symbolic link in a work folder that leads out of it. */
export function outsideLink(path: string, target: string): SamMilError {
  return new SamMilError('InvalidInput', 'a symbolic link leads out of the work folder', {
    file: path,
    expected:
      'a real file or folder: results are written, compared and deleted only in the work folder itself',
    found: target,
    next: 'replace the link by the folder it points to, or set --work to a folder on that disk',
  });
}
