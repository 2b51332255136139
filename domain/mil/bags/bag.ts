import type { Tensor2D } from '../compute/backend.js';
import { gridPlaces } from './grid.js';

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
  /**
   * rows x 2: x and y of the top left corner of each patch, in pixels at level 0; -1, -1 for group rows. All
   * 0 if the features came without coordinates.
   */
  coords: Int32Array;
  /**
   * rows x 2: column and row of each patch on the grid of the patches, from 0; -1, -1 for group rows. Where
   * the tissue's parts have shifted grids, places are rounded, and two patches may share one.
   */
  readonly grid: Int32Array;
}

/** Completes a bag by its grid, which is computed when a model first asks for it. */
export function placedBag(parts: Omit<Bag, 'grid'>): Bag {
  let grid: Int32Array | undefined;
  return {
    ...parts,
    get grid() {
      return (grid ??= gridPlaces(parts.coords, parts.isGroup));
    },
  };
}
