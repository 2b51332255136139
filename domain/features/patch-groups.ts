import { SamMilError } from '../errors.js';
import type { PatchCoords } from '../formats/bag-files.js';
import { readSegments } from '../formats/segments-file.js';
import { groupFrame, groupPatches, type Groups } from '../sam/groups.js';
import type { SlideInfo } from '../slides/slide.js';

/**
 * Which patches belong to which segment of a slide.
 * @throws SamMilError `CountMismatch` where segments were made for other patches, `InvalidInput` where their level is not the slide's
 */
export function findGroups(segmentsFile: string, patches: PatchCoords, slide: SlideInfo): Groups {
  const { info, masks } = readSegments(segmentsFile);
  const patchSize = Math.trunc(patches.patchSize * slide.levels[patches.patchLevel].downsample[0]);
  if (info.patchSize !== patchSize) {
    throw new SamMilError('CountMismatch', 'segments and patches were made with different patch sizes', {
      file: segmentsFile,
      expected: `${patchSize} level-0 pixels, as of the patches`,
      found: `${info.patchSize}`,
      next: 'segment again with these patches',
    });
  }
  const level = slide.levels[info.visLevel];
  if (level === undefined) {
    throw new SamMilError('InvalidInput', 'the segments name a level that the slide does not have', {
      file: segmentsFile,
      expected: `a level from 0 to ${slide.levels.length - 1}`,
      found: `${info.visLevel}`,
    });
  }
  const image = { startX: info.startX, startY: info.startY, width: info.w, height: info.h };
  const frame = groupFrame(image, level.downsample[0], info.downsampleRatio, patchSize);
  return groupPatches(patches.coords, frame, masks);
}
