import { closeSync, readSync, statSync } from 'node:fs';
import { extname } from 'node:path';
import { SamMilError } from '../../errors.js';
import { openRegular, type RegularFile } from '../../regular-file.js';
import { tiffExtent } from './tiff-extent.js';
import { tiffDirectoryOffset } from './tiff-file.js';

/** Number of leading bytes that identify the kind of a file. */
const HEAD = 4096;

export interface FileHead {
  bytes: Buffer;
  size: number;
}

/**
 * Reads the beginning of a slide file.
 * @throws SamMilError InvalidInput if it is missing, not a regular file, not readable, or empty
 */
export function checkSlideFile(path: string): FileHead {
  const { descriptor, status } = openReadable(path);
  const size = Number(status.size);
  try {
    if (size === 0) {
      throw new SamMilError('InvalidInput', 'the slide file is empty', {
        file: path,
        expected: 'an image',
        found: '0 bytes',
        next: 'copy or download the file again',
      });
    }
    const bytes = Buffer.alloc(Math.min(HEAD, size));
    return { bytes: bytes.subarray(0, readSync(descriptor, bytes, 0, bytes.length, 0)), size };
  } finally {
    closeSync(descriptor);
  }
}

function openReadable(path: string): RegularFile {
  try {
    if (statSync(path).isDirectory()) throw aFolder(path);
    return openRegular(path);
  } catch (error) {
    if (error instanceof SamMilError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') {
      throw new SamMilError('InvalidInput', 'the slide file does not exist', {
        file: path,
        next: 'correct the path (or the list that contains it), or copy the file there; on another host, mount the folder under the same path',
        cause: error,
      });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new SamMilError('InvalidInput', 'the worker has no permission to read the slide file', {
        file: path,
        next: 'grant the user of the worker read permission for the file, and read and execute permission for its folders (chmod, chown)',
        cause: error,
      });
    }
    throw error;
  }
}

function aFolder(path: string): SamMilError {
  return new SamMilError('InvalidInput', 'the path is a folder, not a slide file', {
    file: path,
    next: 'specify the slide file: for DICOM, any file of the series; for MIRAX, the .mrxs file next to the folder',
  });
}

/** Creates the error for a file that no reader supports; it states whether the file looks like text. */
export function refuseUnknown(path: string, head: FileHead): SamMilError {
  return new SamMilError('UnsupportedFormat', 'neither OpenSlide nor libvips can read this file', {
    file: path,
    expected: 'SVS, NDPI, MRXS, SCN, BIF, VMS, DICOM, CZI, tiled TIFF, or a plain TIFF, PNG or JPEG',
    found: looksLikeText(head.bytes)
      ? `text that starts with ${JSON.stringify(head.bytes.toString('utf8', 0, 40))}`
      : `${head.size} bytes that start with ${head.bytes.subarray(0, 8).toString('hex')}`,
    next: 'check that the file is the slide and not, for example, a saved error page; convert other formats to tiled TIFF',
  });
}

/**
 * @throws SamMilError CorruptSlide for a TIFF that refers to data past its end, as after an incomplete copy
 */
export function refuseCutOff(path: string, { bytes, size }: FileHead): void {
  if (tiffDirectoryOffset(bytes) === undefined || extname(path).toLowerCase() === '.ndpi') return;
  const extent = tiffExtent(path) ?? 0;
  if (extent <= size) return;
  throw new SamMilError('CorruptSlide', 'the slide file is truncated', {
    file: path,
    expected: `at least ${extent} bytes, according to its directories`,
    found: `${size} bytes`,
    next: 'copy or download the file again and compare its size with the original',
  });
}

function looksLikeText(bytes: Buffer): boolean {
  return bytes.subarray(0, 256).every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
}
