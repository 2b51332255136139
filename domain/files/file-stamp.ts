import { stat } from 'node:fs/promises';

/**
 * What a file system tells of a file without reading it. Equal stamps mean unchanged content, as far as a file system can say; different ones
 * mean only that the content must be read again. Numbers are decimal texts, since nanoseconds exceed what a JSON number holds.
 */
export interface FileStamp {
  bytes: number;
  mtimeNs: string;
  ctimeNs: string;
  inode: string;
}

/** Stamp of a file, or undefined where there is none. */
export async function stampOf(path: string): Promise<FileStamp | undefined> {
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
 * Whether a file may still change without a change of its stamp: clocks of file systems tick in milliseconds, so a second write in the same
 * tick goes unseen (git calls such entries racily clean).
 */
export function isFresh(stamp: FileStamp, now = Date.now()): boolean {
  return now - Number(BigInt(stamp.ctimeNs) / 1_000_000n) < 100;
}
