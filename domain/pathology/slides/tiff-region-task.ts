import type { MessagePort } from 'node:worker_threads';
import type { TiffPlace } from './tiff-pyramid.js';

/** A region inside its image, to be written as RGB to the start of `pixels` (shared memory). */
export interface RegionTask {
  /** One image, or its red, green and blue planes. */
  places: readonly TiffPlace[];
  left: number;
  top: number;
  width: number;
  height: number;
  pixels: Uint8Array;
}

/**
 * Start data of a reading thread. `state` is set to 1 and notified after each answer, which is an error
 * message or empty.
 */
export interface RegionThreadData {
  path: string;
  port: MessagePort;
  state: Int32Array;
}
