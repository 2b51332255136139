import { SamMilError } from '../../errors.js';
import type { PatchCoords } from '../layouts/bag-files.js';
import { readSegments, readSegmentsPickle, type Segments } from '../layouts/segments-file.js';
import { groupFrame, groupPatches, type Groups } from './groups.js';
import type { SlideInfo } from '../slides/slide.js';
import type { Level0Px } from '../../units.js';
import { segmentFrame } from './segment-frame.js';

/**
 * Assigns the patches of a slide to its segments.
 * @throws SamMilError CountMismatch if segments were made for other patches; InvalidInput if the slide lacks
 * their level
 */
export function findGroups(segmentsFile: string, patches: PatchCoords, slide: SlideInfo): Groups {
  const { info, masks } = readSegments(segmentsFile);
  const patchSize = Math.trunc(patches.patchSize * slide.levels[patches.patchLevel].downsample[0]);
  if (info.patchSize !== patchSize) {
    throw new SamMilError('CountMismatch', 'segments and patches have different patch sizes', {
      file: segmentsFile,
      expected: `${patchSize} level-0 pixels, as in the patches file`,
      found: `${info.patchSize}`,
      next: 'run pathology.segment again with these patches',
    });
  }
  const level = slide.levels[info.visLevel];
  if (level === undefined) {
    throw new SamMilError('InvalidInput', 'the slide does not have the level of the segments', {
      file: segmentsFile,
      expected: `a level from 0 to ${slide.levels.length - 1}`,
      found: `${info.visLevel}`,
    });
  }
  const image = { startX: info.startX, startY: info.startY, width: info.w, height: info.h };
  const frame = groupFrame(image, level.downsample[0], info.downsampleRatio, patchSize);
  return groupPatches(patches.coords, frame, masks);
}

/**
 * Sides of patches that segments may state: the scripts of SAM-MIL write the side in pixels of the patch
 * level.
 */
export interface PatchSides {
  level0: Level0Px;
  ofLevel?: number;
}

/** Reads segments from h5 or, if the file ends in .pkl or .pickle, from a pickle of SAM-MIL. */
export function readAnySegments(path: string): Segments {
  return /\.(pkl|pickle)$/i.test(path) ? readSegmentsPickle(path) : readSegments(path);
}

/**
 * Assigns patches to segments without the slide.
 * @param coords N x 2, patches only
 * @throws SamMilError CountMismatch if segments were made for patches of another size; InvalidInput if
 * patches are outside the segmented box
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
    throw new SamMilError('CountMismatch', 'segments and features have different patch sizes', {
      file,
      expected: `${level0} level-0 pixels, as in the features file`,
      found: `${info.patchSize}`,
      next: 'check that the segments belong to these patches; if the features file does not state its patch size, set `patch-size-level0`',
    });
  }
  refuseOutside(file, segments, coords, level0);
  return groupPatches(coords, segmentFrame(segments, level0, file, downsample), segments.masks);
}

/** The patches of a run are inside the segmented box; those of another slide rarely are. */
function refuseOutside(file: string, { info }: Segments, coords: Int32Array, margin: Level0Px): void {
  const rows = [...Array(coords.length / 2).keys()];
  const outside = rows.filter((row) => {
    const [x, y] = [coords[2 * row], coords[2 * row + 1]];
    const beside = x < info.startX - margin || x > info.stopX + margin;
    return beside || y < info.startY - margin || y > info.stopY + margin;
  });
  if (outside.length === 0) return;
  const first = outside[0];
  throw new SamMilError(
    'InvalidInput',
    'the segments belong to another slide or to other patches of this slide',
    {
      file,
      expected: `patches within ${info.startX}, ${info.startY} to ${info.stopX}, ${info.stopY}`,
      found: `${outside.length} of ${rows.length} patches outside, the first (row ${first}) at ${coords[2 * first]}, ${coords[2 * first + 1]}`,
      next: 'pass the segments that were made with these patches',
    },
  );
}
