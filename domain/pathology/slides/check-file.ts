import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { extname } from 'node:path';
import { SamMilError } from '../../errors.js';
import { tiffExtent } from './tiff-extent.js';
import { tiffDirectoryOffset } from './tiff-file.js';

/** Bytes from the start of a file that its kind is told from. */
const HEAD = 4096;

export interface FileHead {
  bytes: Buffer;
  size: number;
}

/** Reads the beginning of a slide file. Throws `InvalidInput` where it is missing, a folder, not readable, or empty. */
export function checkSlideFile(path: string): FileHead {
  const file = openReadable(path);
  try {
    const status = fstatSync(file);
    if (status.isDirectory()) throw aFolder(path);
    if (status.size === 0) {
      throw new SamMilError('InvalidInput', 'the slide file is empty', {
        file: path,
        expected: 'an image',
        found: '0 bytes',
        next: 'copy or download it again: the last try left nothing',
      });
    }
    const bytes = Buffer.alloc(Math.min(HEAD, status.size));
    return { bytes: bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0)), size: status.size };
  } finally {
    closeSync(file);
  }
}

function openReadable(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') {
      throw new SamMilError('InvalidInput', 'the slide file does not exist', {
        file: path,
        next: 'correct the path (or the list it comes from), or bring the file; on another host, mount the folder under the same path',
        cause: error,
      });
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw new SamMilError('InvalidInput', 'no permission to read the slide file', {
        file: path,
        next: 'give the user that runs the worker read permission on the file, and read and execute on its folders (chmod, chown)',
        cause: error,
      });
    }
    throw error;
  }
}

function aFolder(path: string): SamMilError {
  return new SamMilError('InvalidInput', 'this is a folder, not a slide file', {
    file: path,
    next: 'name the slide file itself; for a DICOM slide any one file of its series, for MIRAX the .mrxs file next to the folder',
  });
}

/** The error for a file that no reader knows: says whether it looks like text. */
export function refuseUnknown(path: string, head: FileHead): SamMilError {
  return new SamMilError(
    'UnsupportedFormat',
    'this is not a slide that OpenSlide, or an image that libvips, can read',
    {
      file: path,
      expected: 'SVS, NDPI, MRXS, SCN, BIF, VMS, DICOM, CZI, tiled TIFF, or a plain TIFF, PNG or JPEG',
      found: looksLikeText(head.bytes)
        ? `text beginning with ${JSON.stringify(head.bytes.toString('utf8', 0, 40))}`
        : `${head.size} bytes beginning with ${head.bytes.subarray(0, 8).toString('hex')}`,
      next: 'check that this is the slide and not, say, an error page saved by a download; convert other formats to tiled TIFF',
    },
  );
}

/** Throws `CorruptSlide` for a TIFF that points past its own end, as one does that was not copied whole. */
export function refuseCutOff(path: string, { bytes, size }: FileHead): void {
  if (tiffDirectoryOffset(bytes) === undefined || extname(path).toLowerCase() === '.ndpi') return;
  const extent = tiffExtent(path) ?? 0;
  if (extent <= size) return;
  throw new SamMilError('CorruptSlide', 'the slide file is cut off', {
    file: path,
    expected: `at least ${extent} bytes, by its own directories`,
    found: `${size} bytes`,
    next: 'copy or download it again and compare its size with the original',
  });
}

function looksLikeText(bytes: Buffer): boolean {
  return bytes.subarray(0, 256).every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
}
