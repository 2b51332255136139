import { createHash } from 'node:crypto';
import { closeSync } from 'node:fs';
import { SamMilError } from '../errors.js';
import { openRegular, readFully, type RegularFile } from '../regular-file.js';

/** Number of bytes that are digested at a time. */
const PIECE_BYTES = 1 << 20;

/**
 * A file that is read by position. Every range is first checked against the file size, so that a wrong header
 * cannot cause a large allocation.
 */
export class FileBytes {
  readonly path: string;
  readonly size: number;
  /**
   * Size, times and inode when the file was opened. Equal stamps mean unchanged content, as far as a file
   * system can tell.
   */
  readonly stamp: string;
  private descriptor: number | undefined;

  /** @throws SamMilError InvalidInput if the path does not exist, is not a regular file, or cannot be read */
  constructor(path: string) {
    this.path = path;
    const { descriptor, status } = opened(path);
    this.descriptor = descriptor;
    this.size = Number(status.size);
    this.stamp = `${status.size} ${status.mtimeNs} ${status.ctimeNs} ${status.ino}`;
  }

  /**
   * Reads `length` bytes at `offset` into a new array.
   * @throws SamMilError InvalidInput if they are outside the file
   */
  read(offset: number, length: number): Uint8Array {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      throw this.refusal(
        'is truncated or describes its own layout wrongly',
        `${length} bytes at ${offset}`,
        `${this.size} bytes in all`,
      );
    }
    const bytes = new Uint8Array(length);
    if (readFully(this.opened(), bytes, offset) < length)
      throw this.refusal('was truncated while it was read');
    return bytes;
  }

  /** SHA-256 of the whole file, as `sha256:<hex>`. The file is read in pieces. */
  digest(): string {
    const hash = createHash('sha256');
    for (let offset = 0; offset < this.size; offset += PIECE_BYTES)
      hash.update(this.read(offset, Math.min(PIECE_BYTES, this.size - offset)));
    return `sha256:${hash.digest('hex')}`;
  }

  close(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  refusal(what: string, expected?: string, found?: string): SamMilError {
    return new SamMilError('InvalidInput', what, { file: this.path, expected, found });
  }

  private opened(): number {
    if (this.descriptor === undefined) throw new Error(`${this.path}: read after close`);
    return this.descriptor;
  }
}

function opened(path: string): RegularFile {
  try {
    return openRegular(path);
  } catch (error) {
    if (error instanceof SamMilError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const what = code === 'ENOENT' ? 'does not exist' : `cannot be read (${code})`;
    throw new SamMilError('InvalidInput', what, { file: path, cause: error });
  }
}

/** Opens a file, passes it to `use` and closes it, also after an error. */
export function withFileBytes<T>(path: string, use: (file: FileBytes) => T): T {
  const file = new FileBytes(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}
