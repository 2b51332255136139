import { writeAtomic } from '../../files/atomic.js';
import {
  type PatchCoords,
  type Stitch,
  type TissueMask,
  writeMask,
  writePatches,
  writeStitch,
} from '../layouts/bag-files.js';
import { encodeJpeg } from '../slides/images.js';
import type { Picture } from './tissue/overview.js';

/** Content of an output file of a slide: HDF5, or a JPEG picture. */
export type OutputContent =
  { mask: TissueMask } | { stitch: Stitch } | { patches: PatchCoords } | { jpeg: Picture };

const JPEG_QUALITY = 85;

/** Writes one output file. @throws SamMilError as its writer */
export async function writeOutput(path: string, content: OutputContent): Promise<void> {
  if ('mask' in content) writeMask(path, content.mask);
  else if ('stitch' in content) writeStitch(path, content.stitch);
  else if ('patches' in content) writePatches(path, content.patches);
  else writeAtomic(path, await toJpeg(content.jpeg));
}

function toJpeg({ rgb, width, height }: Picture): Promise<Buffer> {
  return encodeJpeg({ data: rgb, width, height, channels: 3 }, JPEG_QUALITY);
}
