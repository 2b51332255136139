import { SamMilError } from '../errors.js';

const AWAY = ['EIO', 'EREMOTEIO', 'ESTALE', 'ENOTCONN', 'ETIMEDOUT', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENODEV'];

/**
 * The error for a disk, usually one on the network, that does not answer: what is on it is neither missing
 * nor damaged. Undefined for other errors of the file system.
 */
export function diskAway(cause: unknown, file: string): SamMilError | undefined {
  const { code = '', path = file } = (cause ?? {}) as NodeJS.ErrnoException;
  if (cause instanceof SamMilError || !AWAY.includes(code)) return undefined;
  return new SamMilError('Unavailable', `the disk does not answer (${code})`, {
    file: path,
    next: 'check the disk, or the network and the server behind it; the run continues once it is back',
    cause,
  });
}
