import { SamMilError } from '../../errors.js';
import type { PatchCoords } from '../layouts/bag-files.js';
import { LARGEST_PATCH } from '../layouts/patch-attributes.js';
import type { SlideInfo } from './slide.js';

/**
 * Checks that patches can be read from a slide: there is at least one, the size is valid, the level exists,
 * and all corners are inside the slide, unlike those of another slide.
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
    throw new SamMilError('InvalidInput', 'the file has no patches', {
      file,
      next: 'check the result of pathology.patch for this slide',
    });
  }
  const sized = Number.isInteger(patchSize) && patchSize > 0 && patchSize <= LARGEST_PATCH;
  if (!sized || levels[patchLevel] === undefined) {
    throw new SamMilError('InvalidInput', `the patches do not fit the slide ${slide.path}`, {
      file,
      expected: `an integer patch size from 1 to ${LARGEST_PATCH} and a level from 0 to ${levels.length - 1}`,
      found: `patch size ${patchSize}, level ${patchLevel}`,
      next: 'check that the slide and the patches belong together, and check the requested patch size and resolution',
    });
  }
  const [{ width, height }] = levels;
  for (let i = 0; i < coords.length; i += 2) {
    const [x, y] = [coords[i], coords[i + 1]];
    if (x >= 0 && y >= 0 && x < width && y < height) continue;
    throw new SamMilError('InvalidInput', `patch ${i / 2} is outside the slide ${slide.path}`, {
      file,
      expected: `coordinates within ${width} x ${height}`,
      found: `${x}, ${y}`,
      next: 'check that the slide and the patches belong together',
    });
  }
}
