import { SamMilError } from '../../errors.js';
import type { Segments } from '../layouts/segments-file.js';
import { type GroupFrame, groupFrame } from './groups.js';
import type { Level0Px } from '../../units.js';

/** SAM-MIL makes its image no larger than this. */
const LONGEST_SIDE = 1024;

/**
 * How level-0 coordinates become pixels of a segmented image, without the slide: its level's downsample is what the box, the image and the rest of the
 * downsample leave. SAM-MIL reads at level L and reduces by int(total / int(downsample of L)), total being the power of two that brings the box to 1024
 * pixels; so only one whole downsample fits all three.
 *
 * @param given level-0 pixels to one pixel of the image, in place of this
 * @throws SamMilError InvalidInput where nothing fits
 */
export function frameOfSegments(
  { info, masks }: Segments,
  patchSize: Level0Px,
  file: string,
  given?: number,
): GroupFrame {
  const image = { startX: info.startX, startY: info.startY, width: info.w, height: info.h };
  if (given !== undefined) return groupFrame(image, 1, given, patchSize);
  if (masks.length === 0) return groupFrame(image, 1, Math.max(info.downsampleRatio, 1), patchSize);
  return groupFrame(image, levelDownsample({ info, masks }, file), info.downsampleRatio, patchSize);
}

function levelDownsample({ info }: Segments, file: string): number {
  if (info.visLevel === 0) return 1;
  const [width, height] = [info.stopX - info.startX, info.stopY - info.startY];
  const total = 2 ** Math.max(0, Math.ceil(Math.log2(Math.max(width, height) / LONGEST_SIDE)));
  // The longer side tells more precisely; truncation to whole pixels makes it too large by one in w.
  const seen = (width > height ? width / info.w : height / info.h) / info.downsampleRatio;
  const near = [Math.floor(seen), Math.ceil(seen), Math.floor(seen) - 1].filter((whole) => whole >= 1);
  const fitting = near.filter((whole) => {
    const rest = total / whole;
    return Math.abs(rest - info.downsampleRatio) < 1e-9 || Math.trunc(rest) === info.downsampleRatio;
  });
  const [best] = fitting.sort((a, b) => Math.abs(a - seen) - Math.abs(b - seen));
  if (best !== undefined && Math.abs(best - seen) / seen < 0.1) return best;
  throw new SamMilError('InvalidInput', 'the segments do not tell how much their image was reduced', {
    file,
    expected: `an image that is a box of ${width} x ${height} level-0 pixels reduced by about ${total}`,
    found: `${info.w} x ${info.h} pixels of level ${info.visLevel}, reduced by ${info.downsampleRatio} more`,
    next: 'set `segments-downsample`: level-0 pixels to one pixel of that image',
  });
}
