import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SamMilError } from '../errors.js';

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
    if (code === 'ENOENT' || code === 'ENOTDIR') {
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
    next: 'name the slide file itself; for a DICOM slide any one .dcm file of its series, for MIRAX the .mrxs file next to the folder',
  });
}

/** The error for a file that no reader knows: says whether it looks like text, like a TIFF cut short, or like something else. */
export function refuseUnknown(path: string, head: FileHead): SamMilError {
  const directory = tiffDirectoryOffset(head.bytes);
  if (directory !== undefined) return refuseTiff(path, head, directory);
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

function refuseTiff(path: string, head: FileHead, directory: number): SamMilError {
  const cut = isCutOff(head);
  return new SamMilError('CorruptSlide', cut ? 'the slide file is cut off' : 'the slide file is damaged', {
    file: path,
    expected: cut ? `a TIFF directory at byte ${directory}` : 'a readable TIFF',
    found: cut ? `only ${head.size} bytes` : 'a TIFF header before content that no reader accepts',
    next: 'copy or download it again and compare its size with the original',
  });
}

/** Whether a TIFF points past its own end. */
export function isCutOff({ bytes, size }: FileHead): boolean {
  return (tiffDirectoryOffset(bytes) ?? 0) >= size;
}

/** Offset of the first image directory of a TIFF or BigTIFF; undefined for other files. */
export function tiffDirectoryOffset(bytes: Buffer): number | undefined {
  if (bytes.length < 16) return undefined;
  const order = bytes.toString('latin1', 0, 2);
  if (order !== 'II' && order !== 'MM') return undefined;
  const little = order === 'II';
  const version = little ? bytes.readUInt16LE(2) : bytes.readUInt16BE(2);
  if (version === 42) return little ? bytes.readUInt32LE(4) : bytes.readUInt32BE(4);
  if (version === 43) return Number(little ? bytes.readBigUInt64LE(8) : bytes.readBigUInt64BE(8));
  return undefined;
}

function looksLikeText(bytes: Buffer): boolean {
  return bytes.subarray(0, 256).every((byte) => byte >= 32 || byte === 9 || byte === 10 || byte === 13);
}
