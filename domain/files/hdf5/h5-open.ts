import h5wasm, { type File } from 'h5wasm/node';
import { closeSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { SamMilError } from '../../errors.js';
import { openRegular, type RegularFile } from '../../regular-file.js';
import { checked, openingOnly } from './h5-library.js';

/**
 * Opens a file with the library, and explains why one cannot be opened.
 * @throws SamMilError InvalidInput, with the file, if it is missing, empty, truncated, or not an HDF5 file
 */
export function openForReading(path: string): File {
  const absolutePath = resolve(path);
  checkSignature(path, absolutePath);
  let file: File;
  try {
    file = checked(() => openingOnly(absolutePath, () => new h5wasm.File(absolutePath, 'r')));
  } catch (error) {
    throw damaged(path, error instanceof Error ? error.message : String(error), error);
  }
  if (file.file_id < 0n) throw damaged(path, 'the library could not open it');
  return file;
}

const SIGNATURE = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]);

/**
 * Reports the most common mistakes before the library opens the file: a missing file, a folder, an empty
 * file, another format.
 */
function checkSignature(path: string, absolutePath: string): void {
  let file: RegularFile;
  try {
    file = openRegular(absolutePath);
  } catch (error) {
    throw error instanceof SamMilError ? error : unreadable(path, error);
  }
  const head = Buffer.alloc(SIGNATURE.length);
  try {
    if (file.status.size === 0n)
      throw new SamMilError('InvalidInput', 'is empty (0 bytes)', { file: path, expected: 'an HDF5 file' });
    // A user block may precede the signature, which is then at 512, 1024, 2048, ...
    for (let at = 0; at < file.status.size; at = at === 0 ? 512 : at * 2) {
      readSync(file.descriptor, head, 0, head.length, at);
      if (head.equals(SIGNATURE)) return;
    }
  } catch (error) {
    throw error instanceof SamMilError ? error : unreadable(path, error);
  } finally {
    closeSync(file.descriptor);
  }
  throw new SamMilError('InvalidInput', 'is not an HDF5 file', {
    file: path,
    expected: 'the HDF5 signature at its beginning',
  });
}

function unreadable(path: string, error: unknown): SamMilError {
  const code = (error as NodeJS.ErrnoException).code;
  const what =
    code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read (${code ?? String(error)})`;
  return new SamMilError('InvalidInput', what, { file: path, expected: 'an HDF5 file', cause: error });
}

function damaged(path: string, reason: string, cause?: unknown): SamMilError {
  const [, found, expected] = /truncated file: eof = (\d+).*stored_eof = (\d+)/.exec(reason) ?? [];
  if (found !== undefined) {
    return new SamMilError('InvalidInput', 'is a truncated HDF5 file', {
      file: path,
      expected: `${expected} bytes`,
      found: `${found} bytes`,
      next: 'copy or create it again; it was truncated while it was written or copied',
      cause,
    });
  }
  if (reason.includes('already open for')) {
    return new SamMilError('InvalidInput', 'is still open for writing, or its writer did not close it', {
      file: path,
      expected: 'an HDF5 file whose writer has closed it',
      next: 'wait until its writer has finished; if that was killed, run `h5clear -s FILE`, or create it again',
      cause,
    });
  }
  return new SamMilError('InvalidInput', `is a damaged HDF5 file: ${reason}`, {
    file: path,
    next: 'create it again; it was probably truncated while it was written or copied',
    cause,
  });
}
