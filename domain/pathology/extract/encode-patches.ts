import type { BatchStore } from './batch-store.js';
import type { OpenEncoder } from './encoders/encoder.js';
import { SamMilError } from '../../errors.js';
import { PatchDecoder } from './patch-decoder.js';
import type { PatchSource } from './patch-reader.js';

/** Batches of pixels in memory: one being encoded and two being decoded. */
const SLOTS = 3;

export interface Encoding {
  source: PatchSource;
  /** rows x 2, level-0 pixels. */
  coords: Int32Array;
  encoder: OpenEncoder;
  store: BatchStore;
  decodeThreads: number;
  signal: AbortSignal;
  /** Called once per batch, with patch counts. */
  progress(done: number, total: number): void;
}

/**
 * Encodes and commits every batch that the store lacks. Other threads read and resize ahead, and a batch is
 * written while the next one is encoded. Memory: three batches of pixels and two of features, for any slide.
 *
 * @throws the reason of the signal when it is aborted (finished batches are committed); SamMilError from the
 * slide or the encoder
 */
export async function encodePatches(work: Encoding): Promise<void> {
  const { store, coords, encoder } = work;
  const missing = store.missing();
  const rows = coords.length / 2;
  let done = rows - missing.reduce((sum, batch) => sum + store.range(batch).count, 0);
  work.progress(done, rows);
  if (missing.length === 0) return;
  const commit = (batch: number, features: Float32Array): void => {
    store.commit(batch, checked(features, work, batch));
    done += store.range(batch).count;
    work.progress(done, rows);
  };
  const decoder = new PatchDecoder(work.source, work.decodeThreads);
  const pixels = new DecodedBatches(decoder, work, missing);
  let finished: (() => void) | undefined;
  try {
    for (const batch of missing) {
      const decoded = await pixels.next();
      work.signal.throwIfAborted();
      const encoding = encoder.encode(decoded, store.range(batch).count);
      // The encoder computes on other threads, so the previous batch is written meanwhile.
      const write = finished;
      finished = undefined;
      try {
        write?.();
      } catch (error) {
        await encoding.catch(() => undefined);
        throw error;
      }
      const features = await encoding;
      finished = () => commit(batch, features);
    }
  } finally {
    try {
      finished?.();
    } finally {
      await decoder.close();
    }
  }
}

/** Yields the pixels of the batches in order and decodes ahead. */
class DecodedBatches {
  private readonly decoder: PatchDecoder;
  private readonly work: Encoding;
  private readonly missing: readonly number[];
  private readonly slots: Uint8Array[];
  /** Batches being decoded, the next one first. */
  private readonly ahead: Promise<Uint8Array>[] = [];
  private started = 0;

  constructor(decoder: PatchDecoder, work: Encoding, missing: readonly number[]) {
    this.decoder = decoder;
    this.work = work;
    this.missing = missing;
    const bytes = work.store.range(0).count * work.encoder.size ** 2 * 3;
    const slots = Math.min(SLOTS, missing.length);
    this.slots = Array.from({ length: slots }, () => new Uint8Array(new SharedArrayBuffer(bytes)));
    for (let ahead = 0; ahead < Math.max(1, slots - 1); ahead++) this.start();
  }

  /** Returns the next batch, count x size x size x 3. Two further calls of `next` overwrite it. */
  async next(): Promise<Uint8Array> {
    const pixels = await this.ahead.shift();
    this.start();
    return pixels as Uint8Array;
  }

  private start(): void {
    const { store, coords, encoder } = this.work;
    if (this.started >= this.missing.length) return;
    const turn = this.started++;
    const { start, count } = store.range(this.missing[turn]);
    const pixels = this.slots[turn % this.slots.length].subarray(0, count * encoder.size ** 2 * 3);
    const decoding = this.decoder
      .decode(coords.subarray(2 * start, 2 * (start + count)), pixels)
      .then(() => pixels);
    // A failure is reported when the batch is used. Until then, it must not count as unhandled.
    decoding.catch(() => undefined);
    this.ahead.push(decoding);
  }
}

/** Checks that all features are finite, so that a faulty model cannot silently damage a cohort. */
function checked(
  features: Float32Array,
  { encoder, store, coords, source }: Encoding,
  batch: number,
): Float32Array {
  const bad = features.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return features;
  const row = store.range(batch).start + Math.floor(bad / encoder.info.dim);
  throw new SamMilError(
    'InvalidInput',
    `encoder ${encoder.info.name} returned a feature that is not finite`,
    {
      file: source.slide,
      found: `${features[bad]} in feature ${bad % encoder.info.dim} of the patch at ${coords[2 * row]}, ${coords[2 * row + 1]}`,
      next: 'check the weights and the precision of this encoder',
    },
  );
}
