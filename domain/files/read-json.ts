import { SamMilError } from '../errors.js';
import { readRegular } from '../regular-file.js';

/** The longest text that JSON.parse is given: its values take about ten times as much memory. */
const LIMIT = { bytes: 256 << 20, next: 'check that this is the right file' };

/**
 * The value that a JSON file holds.
 * @param what names the file in the error: `metrics`, `splits file`
 * @throws SamMilError InvalidInput where it is missing, not a regular file, too large or not JSON
 */
export function readJson(path: string, what: string, next?: string): unknown {
  try {
    return JSON.parse(readRegular(path, LIMIT).toString('utf8'));
  } catch (cause) {
    if (cause instanceof SamMilError) throw cause;
    throw new SamMilError('InvalidInput', `${what} cannot be read`, {
      file: path,
      found: (cause as Error).message,
      next,
      cause,
    });
  }
}
