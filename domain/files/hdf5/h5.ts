import { type AttributeValue, type H5Reader, openH5File } from './h5-reader.js';
import type { AttributeInput, WriteOptions } from './h5-options.js';
import { createH5File, type H5Writer } from './h5-writer.js';

export type { AttributeInput, AttributeValue, H5Reader, H5Writer, WriteOptions };

/**
 * Opens an HDF5 file for reading. Close it after use.
 * @throws SamMilError InvalidInput, with the file, if it is missing, empty, truncated, or not an HDF5 file
 */
export const openH5 = openH5File;

/**
 * Creates a new HDF5 file. It is written under a temporary name and appears at `path`, complete and durable,
 * when it is closed.
 * @throws SamMilError InvalidInput if the folder is not writable, DiskFull
 */
export const createH5 = createH5File;

/** Opens a file, passes it to `use` and closes it, also after an error. */
export function withH5<T>(path: string, use: (file: H5Reader) => T): T {
  const file = openH5File(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** Creates a file, passes it to `fill` and closes it. After an error, nothing is left behind. */
export function writeH5(path: string, fill: (file: H5Writer) => void): void {
  const file = createH5File(path);
  try {
    fill(file);
    file.close();
  } catch (error) {
    file.abort();
    throw error;
  }
}
