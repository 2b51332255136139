import { SamMilError } from '../../domain/errors.js';
import { diskAway } from '../../domain/files/disk-away.js';

/** A file or folder is missing, or this user may not use it. */
const PERMANENT = ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EROFS', 'ELOOP', 'EISDIR', 'ENAMETOOLONG'];

/**
 * Converts an error of the file system in an engine activity, so that its code decides how long it is
 * retried. What only a person can change ends the activity soon, and holds the run; an absent disk is waited
 * for.
 * @param late whether the activity has been retried for long enough: a host that shares the work folder over
 * a network may see a new file of another host only after a minute
 */
export function asFileFault(error: unknown, work: string, late: boolean): unknown {
  const { code = '', path } = (error ?? {}) as NodeJS.ErrnoException;
  const cause = error;
  if (error instanceof SamMilError) return error;
  const away = diskAway(error, work);
  if (away !== undefined) return away;
  if (!PERMANENT.includes(code)) return error;
  const missing = code === 'ENOENT' || code === 'ENOTDIR';
  return new SamMilError(
    late ? 'InvalidInput' : 'Unavailable',
    missing ? `is missing (${code})` : `cannot be used (${code})`,
    {
      file: path ?? work,
      expected: `the work folder ${work}, readable and writable for the user of the worker`,
      next: 'restore the folder or its permissions, then resume the run; up-to-date steps are skipped',
      cause,
    },
  );
}
