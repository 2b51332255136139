import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { SamMilError } from '../errors.js';

/** Most bytes one read call may ask for; Node's own limit is 2^31 - 1. */
const LARGEST_CALL = 1 << 30;
/** Bytes digested at once. */
const PIECE = 1 << 20;

/** A file read by position. Every range is checked against the file's size first, so a lying header can't make us reserve memory. */
export class FileBytes {
  readonly path: string;
  readonly size: number;
  /** Size, times and inode at the opening: equal stamps mean unchanged content, as far as a file system can say. */
  readonly stamp: string;
  private descriptor: number | undefined;

  /** @throws SamMilError InvalidInput where the file is missing, a folder, or can't be read */
  constructor(path: string) {
    this.path = path;
    try {
      this.descriptor = openSync(path, 'r');
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? String(error);
      const what = code === 'ENOENT' ? 'does not exist' : `can't be read (${code})`;
      throw new SamMilError('InvalidInput', what, { file: path, cause: error });
    }
    const stat = fstatSync(this.descriptor, { bigint: true });
    if (!stat.isFile()) {
      this.close();
      throw new SamMilError('InvalidInput', 'is not a file', { file: path });
    }
    this.size = Number(stat.size);
    this.stamp = `${stat.size} ${stat.mtimeNs} ${stat.ctimeNs} ${stat.ino}`;
  }

  /** A fresh copy of `length` bytes at `offset`. @throws SamMilError InvalidInput where they lie outside the file */
  read(offset: number, length: number): Uint8Array {
    if (!(offset >= 0 && length >= 0 && offset + length <= this.size)) {
      throw this.refusal(
        'is cut off or lies about its own layout',
        `${length} bytes at ${offset}`,
        `${this.size} bytes in all`,
      );
    }
    const bytes = new Uint8Array(length);
    let done = 0;
    while (done < length) {
      const count = readSync(
        this.opened(),
        bytes,
        done,
        Math.min(length - done, LARGEST_CALL),
        offset + done,
      );
      if (count === 0) throw this.refusal('became shorter while it was read');
      done += count;
    }
    return bytes;
  }

  /** `sha256:<hex>` of the whole file, read in pieces. */
  digest(): string {
    const hash = createHash('sha256');
    for (let offset = 0; offset < this.size; offset += PIECE)
      hash.update(this.read(offset, Math.min(PIECE, this.size - offset)));
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

/** Opens a file, hands it to `use`, and closes it whatever happens. */
export function withFileBytes<T>(path: string, use: (file: FileBytes) => T): T {
  const file = new FileBytes(path);
  try {
    return use(file);
  } finally {
    file.close();
  }
}
