import type { WriteOptions } from './h5-options.js';
import type { H5Writer } from './h5-writer.js';

/**
 * A dataset of half floats that is written in order. The library that writes the file has no such type, so
 * pairs of half floats are written as the four bytes of a float32, and the type and shape in the header of
 * the dataset are changed when the file is closed.
 */
export class HalfFloats {
  private readonly file: H5Writer;
  private readonly name: string;
  private readonly elements: number;
  private written = 0;
  /** A half float without its pair. */
  private rest = new Uint16Array(0);

  constructor(file: H5Writer, name: string, shape: readonly [number, number], options: WriteOptions) {
    this.file = file;
    this.name = name;
    this.elements = shape[0] * shape[1];
    file.reserve(name, 'float32', [Math.ceil(this.elements / 2), 1], options);
    file.declareHalfFloats(name, shape);
  }

  /** @param bits of the next half floats */
  append(bits: Uint16Array): void {
    const all = new Uint16Array(this.rest.length + bits.length);
    all.set(this.rest);
    all.set(bits, this.rest.length);
    const isEnd = this.written * 2 + all.length === this.elements;
    const pairs = isEnd ? Math.ceil(all.length / 2) : Math.floor(all.length / 2);
    const values = new Float32Array(pairs);
    new Uint16Array(values.buffer).set(all.subarray(0, 2 * pairs));
    this.rest = all.slice(2 * pairs);
    this.file.fill(this.name, values, this.written);
    this.written += pairs;
  }
}
