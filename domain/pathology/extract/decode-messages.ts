import type { WireError } from '../../errors.js';

/** Work for a decoding thread: patches at `coords` (n x 2, level-0 pixels) into `pixels` (shared, n x size x size x 3). */
export interface DecodeTask {
  coords: Int32Array;
  pixels: Uint8Array;
}

/** What a thread answers, once a task: nothing, or why it failed. */
export interface DecodeAnswer {
  error?: WireError;
}
