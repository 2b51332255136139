import type { BatchStore } from './batch-store.js';
import type { PatchDecoder } from './patch-decoder.js';
import type { PatchSource } from './patch-reader.js';

/** Batches of pixels in memory: one being encoded and two being decoded. */
const SLOTS = 3;

/** What is decoded: the rows of each batch, as every store has them. */
export interface Decoding {
  source: PatchSource;
  coords: Int32Array;
  lanes: readonly { store: BatchStore }[];
}

/** Yields the pixels of the batches in order and decodes ahead. */
export class DecodedBatches {
  private readonly decoder: PatchDecoder;
  private readonly work: Decoding;
  private readonly missing: readonly number[];
  /** Bytes of a patch for each fit. */
  private readonly sizes: readonly number[];
  private readonly slots: Uint8Array[][];
  /** Batches being decoded, the next one first. */
  private readonly ahead: Promise<Uint8Array[]>[] = [];
  private started = 0;

  constructor(decoder: PatchDecoder, work: Decoding, missing: readonly number[]) {
    this.decoder = decoder;
    this.work = work;
    this.missing = missing;
    this.sizes = work.source.fits.map(({ size }) => size ** 2 * 3);
    const { count } = work.lanes[0].store.range(0);
    const slots = Math.min(SLOTS, missing.length);
    this.slots = Array.from({ length: slots }, () =>
      this.sizes.map((bytes) => new Uint8Array(new SharedArrayBuffer(count * bytes))),
    );
    for (let ahead = 0; ahead < Math.max(1, slots - 1); ahead++) this.start();
  }

  /** Returns the next batch, count x size x size x 3 for each fit. Two further calls overwrite it. */
  async next(): Promise<Uint8Array[]> {
    const pixels = await this.ahead.shift();
    this.start();
    return pixels as Uint8Array[];
  }

  private start(): void {
    const { lanes, coords } = this.work;
    if (this.started >= this.missing.length) return;
    const turn = this.started++;
    const { start, count } = lanes[0].store.range(this.missing[turn]);
    const slot = this.slots[turn % this.slots.length];
    const pixels = slot.map((patches, fit) => patches.subarray(0, count * this.sizes[fit]));
    const decoding = this.decoder
      .decode(coords.subarray(2 * start, 2 * (start + count)), pixels)
      .then(() => pixels);
    // A failure is reported when the batch is used. Until then, it must not count as unhandled.
    decoding.catch(() => undefined);
    this.ahead.push(decoding);
  }
}
