import { readFileSync } from 'node:fs';
import { SamMilError } from '../errors.js';

/**
 * The value that a JSON file holds.
 * @param what names the file in the error: `metrics`, `splits file`
 * @throws SamMilError InvalidInput where it is missing or not JSON
 */
export function readJson(path: string, what: string, next?: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new SamMilError('InvalidInput', `${what} cannot be read`, {
      file: path,
      found: (cause as Error).message,
      next,
      cause,
    });
  }
}
