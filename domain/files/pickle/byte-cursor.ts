import type { FileBytes } from '../file-bytes.js';
import { PickleBytes } from './pickle-values.js';

const WINDOW = 64 << 10;

/** Reads a range of a file forward through a small window. Running over the end is a RangeError. */
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

  /** Offset in the file of the next byte. */
  get position(): number {
    return this.at;
  }

  byte(): number {
    return this.take(1)[0];
  }

  /** The next `length` bytes; valid until the next call. */
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

  /** The next `length` bytes as a value that is read when needed, where it is large. */
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

  /** Text up to the next line feed, which is taken too. @throws RangeError where the line is longer than `most` bytes */
  line(most: number): string {
    const bytes: number[] = [];
    for (let next = this.byte(); next !== 0x0a; next = this.byte()) {
      if (bytes.push(next) > most) throw new RangeError(`has a line longer than ${most} bytes`);
    }
    return Buffer.from(bytes).toString('latin1');
  }

  private advance(length: number): void {
    if (!(length >= 0 && this.at + length <= this.end)) throw new RangeError('ends too early');
    this.at += length;
  }
}
