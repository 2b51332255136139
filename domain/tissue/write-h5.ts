import {
  type PatchCoords,
  type Stitch,
  type TissueMask,
  writeMask,
  writePatches,
  writeStitch,
} from '../formats/bag-files.js';

/** What one of a slide's HDF5 files holds. */
export type H5Content = { mask: TissueMask } | { stitch: Stitch } | { patches: PatchCoords };

/** Writes one of them. @throws SamMilError as its writer does */
export function writeH5Content(path: string, content: H5Content): void {
  if ('mask' in content) writeMask(path, content.mask);
  else if ('stitch' in content) writeStitch(path, content.stitch);
  else writePatches(path, content.patches);
}
