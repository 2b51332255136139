import type { WireError } from '../../errors.js';

/**
 * Task for a decoding thread: decode the patches at `coords` (n x 2, level-0 pixels) into `pixels` (shared, n
 * x size x size x 3 for each fit of the source).
 */
export interface DecodeTask {
  coords: Int32Array;
  pixels: readonly Uint8Array[];
}

/** Answer of a thread, one per task: empty, or the error. */
export interface DecodeAnswer {
  error?: WireError;
}
