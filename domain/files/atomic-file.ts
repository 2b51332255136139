import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { asWriteError, commitTemporary, temporaryName } from './atomic.js';

/**
 * A file that is written in pieces. It appears at its path, complete and durable, only after {@link commit}.
 */
export class AtomicFile {
  readonly path: string;
  private readonly temporary: string;
  private descriptor: number | undefined;
  private written = 0;

  /** @throws SamMilError InvalidInput if the folder is not writable, DiskFull */
  constructor(path: string) {
    this.path = path;
    this.temporary = temporaryName(path);
    try {
      this.descriptor = openSync(this.temporary, 'wx');
    } catch (error) {
      throw asWriteError(error, path);
    }
  }

  /** Number of bytes written so far, which is the offset of the next piece. */
  get offset(): number {
    return this.written;
  }

  append(bytes: Uint8Array): void {
    this.put(bytes, this.written);
    this.written += bytes.length;
  }

  /** Overwrites earlier bytes, such as a header whose checksum is not known until later. */
  patch(bytes: Uint8Array, offset: number): void {
    this.put(bytes, offset);
  }

  commit(): void {
    try {
      this.closeDescriptor();
      commitTemporary(this.temporary, this.path);
    } catch (error) {
      this.abort();
      throw asWriteError(error, this.path);
    }
  }

  /** Discards the file. Has no effect after {@link commit}. */
  abort(): void {
    this.closeDescriptor();
    rmSync(this.temporary, { force: true });
  }

  private put(bytes: Uint8Array, offset: number): void {
    if (this.descriptor === undefined) throw new Error(`${this.path}: write after close`);
    try {
      let done = 0;
      while (done < bytes.length) {
        done += writeSync(this.descriptor, bytes, done, bytes.length - done, offset + done);
      }
    } catch (error) {
      throw asWriteError(error, this.path);
    }
  }

  private closeDescriptor(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }
}

/** Creates a file, passes it to `fill` and commits it. After an error, nothing is left behind. */
export function writeAtomicFile(path: string, fill: (file: AtomicFile) => void): void {
  const file = new AtomicFile(path);
  try {
    fill(file);
    file.commit();
  } catch (error) {
    file.abort();
    throw error;
  }
}
