import { stat } from 'node:fs/promises';

/**
 * Metadata that identifies the content of a file without reading it. Equal stamps mean unchanged content, as
 * far as a file system can tell; different stamps only mean that the content must be read again. Times and
 * inode are decimal strings, because nanoseconds exceed the range of exact JSON numbers.
 */
export interface FileStamp {
  bytes: number;
  mtimeNs: string;
  ctimeNs: string;
  inode: string;
}

/** Reads the stamp of a file; undefined if the file does not exist or is not a regular file. */
export async function readStamp(path: string): Promise<FileStamp | undefined> {
  try {
    const found = await stat(path, { bigint: true });
    if (!found.isFile()) return undefined;
    return {
      bytes: Number(found.size),
      mtimeNs: String(found.mtimeNs),
      ctimeNs: String(found.ctimeNs),
      inode: String(found.ino),
    };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

export function sameStamp(a: FileStamp, b: FileStamp): boolean {
  return a.bytes === b.bytes && a.mtimeNs === b.mtimeNs && a.ctimeNs === b.ctimeNs && a.inode === b.inode;
}

/**
 * Whether a file may have changed without a change of its stamp. File system clocks tick in milliseconds, so
 * a second write in the same tick is not visible (git calls such entries racily clean).
 */
export function isFresh(stamp: FileStamp, now = Date.now()): boolean {
  return now - Number(BigInt(stamp.ctimeNs) / 1_000_000n) < 100;
}
