import type { PatchCoords } from '../../domain/pathology/layouts/bag-files.js';

/** Patches of 256 pixels at level 0 of the bundled slide. */
export function patchesAt(coords: Int32Array, changes: Partial<PatchCoords> = {}): PatchCoords {
  return {
    coords,
    patchSize: 256,
    patchLevel: 0,
    downsample: [1, 1],
    levelDim: [2220, 2967],
    level0Dim: [2220, 2967],
    name: 'slide',
    savePath: '',
    ...changes,
  };
}
