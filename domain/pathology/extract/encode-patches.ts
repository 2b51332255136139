import type { BatchStore } from './batch-store.js';
import type { OpenEncoder } from './encoders/encoder.js';
import { SamMilError } from '../../errors.js';
import { DecodedBatches } from './decoded-batches.js';
import { PatchDecoder } from './patch-decoder.js';
import type { PatchSource } from './patch-reader.js';

/** One of the encoders of a reading, and where its features go. */
export interface Lane {
  encoder: OpenEncoder;
  store: BatchStore;
  /** Index of its patches among the fits of the source. */
  fit: number;
}

export interface Encoding {
  source: PatchSource;
  /** rows x 2, level-0 pixels. */
  coords: Int32Array;
  /** At least one. Their stores have the same batches. */
  lanes: readonly Lane[];
  decodeThreads: number;
  signal: AbortSignal;
  /** Called with the numbers of patches that all encoders have finished. */
  progress(done: number, total: number): void;
}

/**
 * Encodes and commits every batch that a store lacks. Each patch is decoded once for all encoders. Other
 * threads read and resize ahead, and a batch is written while the next one is encoded. Memory: three batches
 * of pixels and two of features, for any slide.
 *
 * @throws the reason of the signal when it is aborted (finished batches are committed); SamMilError from the
 * slide or the encoder
 */
export async function encodePatches(work: Encoding): Promise<void> {
  const { lanes, coords } = work;
  const lacking = lacks(lanes);
  const rows = coords.length / 2;
  const [{ store }] = lanes;
  let done = rows - [...lacking.keys()].reduce((sum, batch) => sum + store.range(batch).count, 0);
  work.progress(done, rows);
  if (lacking.size === 0) return;
  const commit = (batch: number, lane: Lane, features: Float32Array): void => {
    lane.store.commit(batch, checked(features, work, lane, batch));
    if (lane !== lacking.get(batch)?.at(-1)) return;
    done += store.range(batch).count;
    work.progress(done, rows);
  };
  const decoder = new PatchDecoder(work.source, work.decodeThreads);
  const pixels = new DecodedBatches(decoder, work, [...lacking.keys()]);
  const writer = new Writer();
  try {
    for (const [batch, lanesLeft] of lacking) {
      const decoded = await pixels.next();
      for (const lane of lanesLeft) {
        work.signal.throwIfAborted();
        const encoding = lane.encoder.encode(decoded[lane.fit], store.range(batch).count);
        const features = await writer.during(encoding);
        writer.later(() => commit(batch, lane, features));
      }
    }
  } finally {
    try {
      writer.finish();
    } finally {
      await decoder.close();
    }
  }
}

/** The lanes that lack each batch, for the batches that any of them lacks, in order. */
function lacks(lanes: readonly Lane[]): Map<number, Lane[]> {
  const missing = lanes.map(({ store }) => new Set(store.missing()));
  const batches = [...new Set(missing.flatMap((batches) => [...batches]))].sort((a, b) => a - b);
  return new Map(batches.map((batch) => [batch, lanes.filter((_, lane) => missing[lane].has(batch))]));
}

/** Writes a finished batch while the encoder computes the next one on other threads. */
class Writer {
  private waiting: (() => void) | undefined;

  later(write: () => void): void {
    this.waiting = write;
  }

  async during<T>(encoding: Promise<T>): Promise<T> {
    try {
      this.finish();
    } catch (error) {
      await encoding.catch(() => undefined);
      throw error;
    }
    return encoding;
  }

  finish(): void {
    const write = this.waiting;
    this.waiting = undefined;
    write?.();
  }
}

/** Checks that all features are finite, so that a faulty model cannot silently damage a cohort. */
function checked(
  features: Float32Array,
  { coords, source }: Encoding,
  { encoder, store }: Lane,
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
