import { type AttributeValue, type H5Reader, openH5File } from './h5-reader.js';
import { type AttributeInput, createH5File, type H5Writer, type WriteOptions } from './h5-writer.js';

export type { AttributeInput, AttributeValue, H5Reader, H5Writer, WriteOptions };

/**
 * Opens an HDF5 file for reading; close it when done.
 * @throws SamMilError InvalidInput naming the file where it is missing, empty, truncated, or not HDF5 at all
 */
export const openH5 = openH5File;

/**
 * Starts a new HDF5 file. It is written under a temporary name and appears under `path`, durable and whole, when it is closed.
 * @throws SamMilError InvalidInput where the folder can't be written to, DiskFull
 */
export const createH5 = createH5File;

/** Opens a file, hands it to `use`, and closes it whatever happens. */
export function withH5<T>(path: string, use: (file: H5Reader) => T): T {
  const file = openH5File(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}

/** Starts a file, hands it to `fill`, and gives it its name; an error leaves nothing behind. */
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
