import type { BatchStore } from './batch-store.js';
import type { OpenEncoder } from './encoder.js';
import { SamMilError } from '../errors.js';
import { PatchDecoder } from './patch-decoder.js';
import type { PatchSource } from './patch-reader.js';

/** Batches in memory: one is encoded while the next two are decoded. */
const SLOTS = 3;

export interface Encoding {
  source: PatchSource;
  /** rows x 2, level-0 pixels. */
  coords: Int32Array;
  encoder: OpenEncoder;
  store: BatchStore;
  decodeThreads: number;
  signal: AbortSignal;
  /** Called once a batch, with patches. */
  progress(done: number, total: number): void;
}

/**
 * Encodes every batch that the store lacks and commits it. Reading and resizing run ahead on other threads. Memory: three batches of pixels, one of
 * floats, whatever the slide.
 *
 * @throws the signal's reason once it is aborted (batches committed before stay), SamMilError from slide or encoder
 */
export async function encodePatches(work: Encoding): Promise<void> {
  const { store, coords, encoder } = work;
  const rows = coords.length / 2;
  const missing = store.missing();
  let done = rows - missing.reduce((sum, batch) => sum + store.range(batch).count, 0);
  work.progress(done, rows);
  if (missing.length === 0) return;
  const decoder = new PatchDecoder(work.source, work.decodeThreads);
  const bytes = encoder.size * encoder.size * 3;
  const slots = Array.from(
    { length: Math.min(SLOTS, missing.length) },
    () => new Uint8Array(new SharedArrayBuffer(store.range(0).count * bytes)),
  );
  const decode = (turn: number): Promise<void> => {
    const { start, count } = store.range(missing[turn]);
    const slot = slots[turn % slots.length];
    return decoder.decode(coords.subarray(2 * start, 2 * (start + count)), slot.subarray(0, count * bytes));
  };
  const ahead: Promise<void>[] = [];
  const startNext = (turn: number): void => {
    if (turn >= missing.length) return;
    const decoding = decode(turn);
    // A failure is seen when its turn comes; until then nobody waits for it.
    decoding.catch(() => undefined);
    ahead.push(decoding);
  };
  try {
    for (let turn = 0; turn < slots.length - 1 || turn === 0; turn++) startNext(turn);
    for (const [turn, batch] of missing.entries()) {
      await ahead.shift();
      work.signal.throwIfAborted();
      startNext(turn + Math.max(1, slots.length - 1));
      const { count } = store.range(batch);
      const features = await encoder.encode(slots[turn % slots.length].subarray(0, count * bytes), count);
      store.commit(batch, checked(features, work, batch));
      done += count;
      work.progress(done, rows);
    }
  } finally {
    await decoder.close();
  }
}

/** A model that gives NaN is not to spoil a cohort quietly. */
function checked(
  features: Float32Array,
  { encoder, store, coords, source }: Encoding,
  batch: number,
): Float32Array {
  const bad = features.findIndex((value) => !Number.isFinite(value));
  if (bad < 0) return features;
  const row = store.range(batch).start + Math.floor(bad / encoder.info.dim);
  throw new SamMilError('InvalidInput', `encoder ${encoder.info.name} gave a feature that is not finite`, {
    file: source.slide,
    found: `${features[bad]} in feature ${bad % encoder.info.dim} of the patch at ${coords[2 * row]}, ${coords[2 * row + 1]}`,
    next: 'check the weights and the precision of this encoder',
  });
}
