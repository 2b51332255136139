import { SamMilError } from '../../errors.js';
import type { Segments } from '../layouts/segments-file.js';
import { type GroupFrame, groupFrame } from './groups.js';
import type { Level0Px } from '../../units.js';

/** Longest side of the SAM-MIL image in pixels. */
const LONGEST_SIDE = 1024;

/**
 * Maps level-0 coordinates to pixels of a segmented image without the slide. The downsample of its level
 * follows from the box, the image size and the remaining downsample: SAM-MIL reads at level L and reduces by
 * int(total / int(downsample of L)), where total is the power of two that brings the box to 1024 pixels, so
 * only one integer downsample fits all three.
 *
 * @param downsample level-0 pixels per image pixel, if known
 * @throws SamMilError InvalidInput if no downsample fits
 */
export function segmentFrame(
  { info, masks }: Segments,
  patchSize: Level0Px,
  file: string,
  downsample?: number,
): GroupFrame {
  const image = { startX: info.startX, startY: info.startY, width: info.w, height: info.h };
  if (downsample !== undefined) return groupFrame(image, 1, downsample, patchSize);
  if (masks.length === 0) return groupFrame(image, 1, Math.max(info.downsampleRatio, 1), patchSize);
  return groupFrame(image, levelDownsample({ info, masks }, file), info.downsampleRatio, patchSize);
}

function levelDownsample({ info }: Segments, file: string): number {
  if (info.visLevel === 0) return 1;
  const [width, height] = [info.stopX - info.startX, info.stopY - info.startY];
  const total = 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / LONGEST_SIDE)));
  // The longer side is more precise; truncation to whole pixels makes the ratio too large by up to 1 / w.
  const seen = (width > height ? width / info.w : height / info.h) / info.downsampleRatio;
  const near = [Math.floor(seen), Math.ceil(seen), Math.floor(seen) - 1].filter((whole) => whole >= 1);
  const fitting = near.filter((whole) => {
    const rest = total / whole;
    return Math.abs(rest - info.downsampleRatio) < 1e-9 || Math.trunc(rest) === info.downsampleRatio;
  });
  const [best] = fitting.sort((a, b) => Math.abs(a - seen) - Math.abs(b - seen));
  if (best !== undefined && Math.abs(best - seen) / seen < 0.1) return best;
  throw new SamMilError('InvalidInput', 'cannot determine the downsample of the segmented image', {
    file,
    expected: `an image of a box of ${width} x ${height} level-0 pixels, reduced by about ${total}`,
    found: `${info.w} x ${info.h} pixels from level ${info.visLevel}, reduced further by ${info.downsampleRatio}`,
    next: 'set `segments-downsample` to the number of level-0 pixels per pixel of that image',
  });
}
