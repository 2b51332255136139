import { SamMilError } from '../../errors.js';
import type { PatchCoords } from '../layouts/bag-files.js';
import type { SlideInfo } from './slide.js';

/** Side in pixels of a level: a patch of that many is 3 GB of RGB in memory. */
const LARGEST_PATCH = 1 << 15;

/**
 * Refuses patches that can't be read from a slide: none, of no size, of a level that it lacks, or with a corner outside it, as those of another slide have.
 *
 * @param file that the patches come from
 * @throws SamMilError InvalidInput
 */
export function checkPatches(
  { coords, patchLevel, patchSize }: PatchCoords,
  file: string,
  slide: { path: string; info: SlideInfo },
): void {
  const { levels } = slide.info;
  if (coords.length === 0) {
    throw new SamMilError('InvalidInput', 'there are no patches in this file', {
      file,
      next: 'check the outcome of pathology.patch for this slide',
    });
  }
  const sized = Number.isInteger(patchSize) && patchSize > 0 && patchSize <= LARGEST_PATCH;
  if (!sized || levels[patchLevel] === undefined) {
    throw new SamMilError('InvalidInput', `${slide.path} has no such patches`, {
      file,
      expected: `a whole patch size from 1 to ${LARGEST_PATCH} and a level from 0 to ${levels.length - 1}`,
      found: `patch size ${patchSize}, level ${patchLevel}`,
      next: 'check that slide and patches belong together, and the patch size and resolution that were asked for',
    });
  }
  const [{ width, height }] = levels;
  for (let i = 0; i < coords.length; i += 2) {
    const [x, y] = [coords[i], coords[i + 1]];
    if (x >= 0 && y >= 0 && x < width && y < height) continue;
    throw new SamMilError('InvalidInput', `patch ${i / 2} lies outside the slide ${slide.path}`, {
      file,
      expected: `coordinates within ${width} x ${height}`,
      found: `${x}, ${y}`,
      next: 'check that slide and patches belong together',
    });
  }
}
