import type { FileBytes } from '../file-bytes.js';
import { PickleBytes } from './pickle-values.js';

const WINDOW = 64 << 10;

/**
 * Reads a range of a file forward through a small window. Methods throw RangeError if they would read past
 * the end.
 */
export class ByteCursor {
  private readonly file: FileBytes;
  private readonly end: number;
  private window: Uint8Array = new Uint8Array(0);
  private windowStart: number;
  private at: number;

  constructor(file: FileBytes, start: number, end: number) {
    this.file = file;
    this.end = end;
    this.at = start;
    this.windowStart = start;
  }

  /** File offset of the next byte. */
  get position(): number {
    return this.at;
  }

  byte(): number {
    return this.take(1)[0];
  }

  /** Reads the next `length` bytes. The result is valid until the next call. */
  take(length: number): Uint8Array {
    const from = this.at;
    this.advance(length);
    if (length > WINDOW) return this.file.read(from, length);
    if (from < this.windowStart || from + length > this.windowStart + this.window.length) {
      this.window = this.file.read(from, Math.min(WINDOW, this.end - from));
      this.windowStart = from;
    }
    return this.window.subarray(from - this.windowStart, from - this.windowStart + length);
  }

  /** Returns the next `length` bytes. Large values are not read until they are needed. */
  bytes(length: number): PickleBytes {
    if (length <= WINDOW) return PickleBytes.of(this.take(length).slice());
    const from = this.at;
    this.advance(length);
    return new PickleBytes(length, () => this.file.read(from, length));
  }

  view(length: number): DataView {
    const bytes = this.take(length);
    return new DataView(bytes.buffer, bytes.byteOffset, length);
  }

  /**
   * Reads text up to and including the next line feed, which is not returned.
   * @throws RangeError if the line is longer than `most` bytes
   */
  line(most: number): string {
    const bytes: number[] = [];
    for (let next = this.byte(); next !== 0x0a; next = this.byte()) {
      if (bytes.push(next) > most) throw new RangeError(`has a line longer than ${most} bytes`);
    }
    return Buffer.from(bytes).toString('latin1');
  }

  private advance(length: number): void {
    if (!(length >= 0 && this.at + length <= this.end)) throw new RangeError('ends unexpectedly');
    this.at += length;
  }
}
