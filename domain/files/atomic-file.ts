import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { asWriteError, commitTemporary, temporaryName } from './atomic.js';

/** A file written piece by piece that appears under its name, durable and whole, only at {@link commit}. */
export class AtomicFile {
  readonly path: string;
  private readonly temporary: string;
  private descriptor: number | undefined;
  private written = 0;

  /** @throws SamMilError InvalidInput where the folder can't be written to */
  constructor(path: string) {
    this.path = path;
    this.temporary = temporaryName(path);
    try {
      this.descriptor = openSync(this.temporary, 'wx');
    } catch (error) {
      throw asWriteError(error, path);
    }
  }

  /** Bytes written so far: the offset of the next piece. */
  get offset(): number {
    return this.written;
  }

  append(bytes: Uint8Array): void {
    this.put(bytes, this.written);
    this.written += bytes.length;
  }

  /** Overwrites bytes written before, such as a header whose checksum is known only now. */
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

  /** Drops what was written. Harmless after {@link commit}. */
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

/** Starts a file, hands it to `fill`, and gives it its name; an error leaves nothing behind. */
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
