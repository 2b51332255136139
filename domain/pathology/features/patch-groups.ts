import { SamMilError } from '../../errors.js';
import type { PatchCoords } from '../layouts/bag-files.js';
import { readSegments, readSegmentsPickle, type Segments } from '../layouts/segments-file.js';
import { groupFrame, groupPatches, type Groups } from './groups.js';
import type { SlideInfo } from '../slides/slide.js';
import type { Level0Px } from '../../units.js';
import { frameOfSegments } from './segment-frame.js';

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

/** Sides of a slide's patches in level-0 pixels that segments may name: SAM-MIL's scripts write the side in pixels of the patches' level. */
export interface PatchSides {
  level0: Level0Px;
  ofLevel?: number;
}

/** Segments in our h5, or in the authors' pickle where the file ends in .pkl or .pickle. */
export function readAnySegments(path: string): Segments {
  return /\.(pkl|pickle)$/i.test(path) ? readSegmentsPickle(path) : readSegments(path);
}

/**
 * Which patches belong to which segment, where the slide is not at hand.
 * @param coords N x 2, patches only
 * @throws SamMilError CountMismatch where segments were made for patches of another size, InvalidInput where patches lie outside the segmented box
 */
export function groupsWithoutSlide(
  file: string,
  segments: Segments,
  coords: Int32Array,
  { level0, ofLevel }: PatchSides,
  downsample?: number,
): Groups {
  const { info } = segments;
  if (info.patchSize !== level0 && info.patchSize !== ofLevel) {
    throw new SamMilError('CountMismatch', 'segments and features were made with different patch sizes', {
      file,
      expected: `${level0} level-0 pixels, as of the features`,
      found: `${info.patchSize}`,
      next: 'check that the segments belong to these patches; where the features do not say their patch size, set `patch-size`',
    });
  }
  refuseOutside(file, segments, coords, level0);
  return groupPatches(coords, frameOfSegments(segments, level0, file, downsample), segments.masks);
}

/** Patches of one run lie in the box that its segments were found in; another slide's rarely do. */
function refuseOutside(file: string, { info }: Segments, coords: Int32Array, margin: Level0Px): void {
  const rows = [...Array(coords.length / 2).keys()];
  const outside = rows.filter((row) => {
    const [x, y] = [coords[2 * row], coords[2 * row + 1]];
    const beside = x < info.startX - margin || x > info.stopX + margin;
    return beside || y < info.startY - margin || y > info.stopY + margin;
  });
  if (outside.length === 0) return;
  const first = outside[0];
  throw new SamMilError('InvalidInput', 'the segments are of another slide, or of another cut of this one', {
    file,
    expected: `patches within ${info.startX}, ${info.startY} to ${info.stopX}, ${info.stopY}`,
    found: `${outside.length} of ${rows.length} patches outside, the first (row ${first}) at ${coords[2 * first]}, ${coords[2 * first + 1]}`,
    next: 'give the segments that were made with these patches',
  });
}
