import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { SamMilError } from './errors.js';

/**
 * Without O_NONBLOCK, opening a named pipe waits until another process opens its other end, which may never
 * happen. Windows has neither.
 */
const READ = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Maximum number of bytes per read call. The limit of Node is 2^31 - 1. */
const MAX_CALL_BYTES = 1 << 30;

const MIB = 1 << 20;

export interface RegularFile {
  descriptor: number;
  status: BigIntStats;
}

/**
 * Opens a file for reading. The check applies to the open descriptor, so the path cannot change in between.
 * Every input is opened this way: a pipe, a device or a socket would block the process or never end.
 * @throws SamMilError InvalidInput for anything other than a regular file; the error of the file system
 */
export function openRegular(path: string): RegularFile {
  let descriptor: number;
  try {
    descriptor = openSync(path, READ);
  } catch (error) {
    throw notOpened(path, error);
  }
  try {
    const status = fstatSync(descriptor, { bigint: true });
    if (status.isFile()) return { descriptor, status };
    throw notRegular(path, status);
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Asynchronous variant of {@link openRegular}. */
export async function openRegularHandle(path: string): Promise<{ handle: FileHandle; status: BigIntStats }> {
  const handle = await open(path, READ).catch((error: unknown) => {
    throw notOpened(path, error);
  });
  try {
    const status = await handle.stat({ bigint: true });
    if (status.isFile()) return { handle, status };
    throw notRegular(path, status);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** The most that {@link readRegular} reads, and how a user can raise it. */
export interface ReadLimit {
  bytes: number;
  /** The next step for a larger file. */
  next: string;
}

/**
 * Reads a whole file of at most `limit` bytes. No more is read than the size that the file had when it was
 * opened: a growing file, or one of /proc (whose size is 0), could otherwise be read forever.
 * @throws SamMilError InvalidInput for anything other than a regular file, or a larger file; the error of the
 *   file system
 */
export function readRegular(path: string, limit: ReadLimit): Buffer {
  const { descriptor, status } = openRegular(path);
  try {
    const size = Number(status.size);
    if (size > limit.bytes) throw tooLarge(path, `${size} bytes`, limit);
    const bytes = Buffer.alloc(size);
    return bytes.subarray(0, readFully(descriptor, bytes, 0));
  } finally {
    closeSync(descriptor);
  }
}

/** Fills `bytes` from a position of a file. Returns the number of bytes read, which is less at its end. */
export function readFully(descriptor: number, bytes: Uint8Array, position: number): number {
  let done = 0;
  for (let count = -1; done < bytes.length && count !== 0; done += count) {
    const most = Math.min(bytes.length - done, MAX_CALL_BYTES);
    count = readSync(descriptor, bytes, done, most, position + done);
  }
  return done;
}

/** Creates the error for a file that exceeds a limit. */
export function tooLarge(file: string, found: string, { bytes, next }: ReadLimit): SamMilError {
  return new SamMilError('InvalidInput', 'is larger than what is read at once', {
    file,
    expected: `at most ${bytes % MIB === 0 ? `${bytes / MIB} MiB` : `${bytes} bytes`}`,
    found,
    next,
  });
}

/** Creates the error for a path that is not a regular file. */
export function notRegular(path: string, status: FileKind): SamMilError {
  return refusal(path, kindOf(status));
}

function refusal(path: string, found: string, cause?: unknown): SamMilError {
  return new SamMilError('InvalidInput', 'is not a regular file', {
    file: path,
    expected: 'a regular file',
    found,
    next: 'save the data to a file, and use the path of that file',
    cause,
  });
}

type FileKind = Pick<Stats | BigIntStats, 'isDirectory' | 'isFIFO' | 'isSocket'>;

function kindOf(status: FileKind): string {
  if (status.isDirectory()) return 'a folder';
  if (status.isFIFO()) return 'a named pipe (FIFO)';
  return status.isSocket() ? 'a socket' : 'a device';
}

/** A socket and a device without a driver cannot even be opened. */
function notOpened(path: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code !== 'ENXIO' && code !== 'ENODEV' && code !== 'EISDIR') return error;
  return refusal(path, code === 'EISDIR' ? 'a folder' : 'a socket or a device', error);
}
