import type { Tensor2D } from '../compute/backend.js';

/** A bag on the device. The fields that only some models need are on the host. */
export interface Bag {
  /** Instances x dim. */
  x: Tensor2D;
  /** Number of instances: patches, then group rows. */
  rows: number;
  /** 1 for group rows. */
  isGroup: Uint8Array;
  /**
   * `relative_area` of each row: 0 for group rows, 1 for a patch outside all masks, else the area of its
   * smallest mask.
   */
  area: Float32Array;
}
